//! Sizes, colour schemes, print, and who cannot see or runs no scripts.

use crate::driver::Page;
use crate::{show, tools};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Parts that reach beyond the page, and tables that are cut at their places.
const CLIPPED: &str = "(() => {
    const width = document.documentElement.clientWidth;
    const name = (part) => `${part.tagName}.${part.className} ${part.textContent.slice(0, 40)}`;
    const beyond = [...document.querySelectorAll('main *, header *')].filter((part) =>
        !part.closest('svg') && part.getBoundingClientRect().right > width + 1);
    const cut = [...document.querySelectorAll('.scroll, pre, .paper, fieldset')].filter((part) =>
        part.scrollWidth > part.clientWidth + 1);
    const page = document.documentElement.scrollWidth > width ? ['the whole page'] : [];
    return [...page, ...[...beyond, ...cut].map(name)].slice(0, 5);
})()";

const AXE: &str = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html, any }) =>
        `${html.slice(0, 120)}: ${any[0]?.message}`)]))";

fn axe() -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/axe-core/package/axe.min.js");
    let text = fs::read_to_string(file).ok();
    if text.is_none() {
        tools::skip("axe-core", "whether everybody can use the page");
    }
    text
}

fn open_all(page: &Page) {
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; });");
}

#[test]
fn nothing_is_clipped_or_wrong_at_any_size() {
    let Some(shown) = show(true) else { return };
    let (page, axe) = (&shown.page, axe());
    for width in [360, 900, 1440] {
        for scheme in ["light", "dark"] {
            page.set_medium(width, "screen", scheme);
            page.open(&shown.file);
            open_all(page);
            assert_eq!(page.json(CLIPPED), json!([]), "{width} {scheme}");
            assert!(
                page.json("document.querySelectorAll('#plane .point').length > 10")
                    .as_bool()
                    .unwrap()
            );
            if let Some(axe) = &axe {
                page.load_script(axe);
                assert_eq!(page.json(AXE), json!([]), "{width} {scheme}");
            }
            assert_eq!(page.faults(), Vec::<String>::new(), "{width} {scheme}");
        }
    }
}

#[test]
fn print_opens_everything_and_clips_nothing() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    // The width of an A4 page between its margins.
    page.set_medium(703, "print", "dark");
    page.open(&shown.file);
    assert_eq!(page.json(CLIPPED), json!([]));
    let closed = "[...document.querySelectorAll('details > :not(summary)')].filter((part) =>
        part.textContent && part.getBoundingClientRect().height === 0).map((part) => part.outerHTML.slice(0, 200))";
    assert_eq!(page.json(closed), json!([]));
    let visible =
        "(selector) => document.querySelector(selector).getBoundingClientRect().height > 0";
    let seen = |selector: &str| page.json(&format!("({visible})('{selector}')"));
    assert_eq!([seen("#front figure"), seen("#explorer")], [true, false]);
    assert_eq!(page.json("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)");
    assert!(page.pdf().starts_with(b"%PDF"));
    assert_eq!(page.faults(), Vec::<String>::new());
}

#[test]
fn without_scripts_figures_and_tables_say_the_same() {
    let Some(shown) = show(false) else { return };
    let page = &shown.page;
    let height = |selector: &str| {
        page.json(&format!("document.querySelector('{selector}')?.getBoundingClientRect().height"))
    };
    let is_seen = |height: Value| height.as_f64().is_some_and(|height| height > 0.0);
    assert!(is_seen(height("#front figure svg")) && is_seen(height("#results table")));
    assert!(!is_seen(height("#explorer")) && !is_seen(height("th button")));
    assert_eq!(page.json("document.querySelectorAll('th button').length"), 0);
    assert_eq!(page.json(CLIPPED), json!([]));
}

/// A test that cannot fail shows nothing: a style that the policy forbids is a fault.
#[test]
fn what_the_policy_forbids_is_noticed() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    assert_eq!(page.faults(), Vec::<String>::new());
    page.run(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"width: 4000px\">wide</p>');",
    );
    assert!(page.faults().iter().any(|fault| fault.contains("Content Security Policy")));
    page.run("document.querySelector('h1').style.width = '4000px';");
    if let Some(axe) = axe() {
        page.run("document.body.append(document.createElement('img'));");
        page.load_script(&axe);
        assert_ne!(page.json(AXE), json!([]), "an image without a text");
    }
    assert_ne!(page.json(CLIPPED), json!([]));
}
