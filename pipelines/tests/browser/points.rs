//! Points of the plane: what is shown of them, and where a click leads.

use crate::{networks, show};
use common::statistics::wilson;
use serde_json::Value;

/// Returns the middle of a network's point.
fn middle(page: &crate::driver::Page, name: &str) -> (f64, f64) {
    let point = page.json(&format!(
        "(() => {{
            const mark = [...document.querySelectorAll('.point')].find((one) => one.dataset.name === '{name}');
            mark.scrollIntoView({{ block: 'center' }});
            const box = mark.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()"
    ));
    (point[0].as_f64().unwrap(), point[1].as_f64().unwrap())
}

fn readout(page: &crate::driver::Page) -> Value {
    page.json(
        "Object.fromEntries([...document.querySelectorAll('#readout dl > div')].map((one) =>
            [one.querySelector('dt').textContent, one.querySelector('dd').textContent]))",
    )
}

#[test]
fn a_point_shows_the_numbers_of_its_network() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    let network = networks(page).into_iter().find(|network| network["name"] == "1/dense").unwrap();
    let (x, y) = middle(page, "1/dense");
    page.mouse("mouseMoved", x, y);
    let readout = readout(page);
    assert_eq!(readout["network"], "1/dense (i0-7)");
    assert_eq!(readout["genome"], network["genome"]);
    assert_eq!(readout["parameters"], "65,074");
    assert_eq!(readout["MACs"], "26.1 M");
    let [low, high] = wilson(9929, 10_000).map(|share| 100.0 * share);
    assert_eq!(readout["test accuracy"], format!("99.29 % ({low:.2} % to {high:.2} %, n = 10000)"));
    assert_eq!(readout["latency"], "522 µs");
    assert_eq!(readout["energy"], "4.00 mJ");
    assert_eq!(readout["board"], "host, short protocol");
    assert_eq!(page.faults(), Vec::<String>::new());
}

#[test]
fn a_click_leads_to_the_row_and_the_keyboard_to_every_point() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    let selected = || page.json("document.querySelector('tr.selected')?.dataset.row");
    let (x, y) = middle(page, "2/dense");
    page.click(x, y);
    assert_eq!(selected(), "2/dense");
    assert_eq!(page.json("document.activeElement.dataset.row"), "2/dense");
    // A member of the front that is no winner is in the list that was folded.
    let member = page.json(
        "JSON.parse(document.getElementById('run').textContent).evaluations.find((one) => one.on_front).id",
    );
    let (x, y) = middle(page, member.as_str().unwrap());
    page.click(x, y);
    assert_eq!(selected(), member);
    assert_eq!(page.json("document.querySelector('tr.selected').closest('details').open"), true);

    page.run("document.querySelector('.point[tabindex=\"0\"]').focus();");
    let focused = || page.json("document.activeElement.dataset.name");
    let first = focused();
    page.press("ArrowRight");
    let second = focused();
    assert!(first.is_string() && second.is_string() && first != second);
    assert!(
        page.json("document.getElementById('readout').textContent")
            .as_str()
            .unwrap()
            .contains(second.as_str().unwrap())
    );
    page.press("ArrowLeft");
    assert_eq!(focused(), first);
    page.run("[...document.querySelectorAll('.point')].find((one) => one.dataset.name === '1/pruned').focus();");
    page.press("Enter");
    assert_eq!(selected(), "1/pruned");
    assert_eq!(page.faults(), Vec::<String>::new());
}

#[test]
fn axes_and_layers_are_chosen() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    let count = || page.json("document.querySelectorAll('.point').length").as_u64().unwrap();
    let all = count();
    page.run("document.querySelector('[name=layer][value=search]').click();");
    let networks = networks(page).len() as u64;
    assert!(count() < all && count() == networks);
    page.run("document.querySelector('[name=layer][value=int8]').click();");
    assert_eq!(count(), 4);
    for axis in ["macs", "latency_s", "flash_bytes", "arena_bytes", "energy_j"] {
        page.run(&format!(
            "const list = document.querySelector('[name=x]'); list.value = '{axis}';
             list.dispatchEvent(new Event('input', {{ bubbles: true }}));"
        ));
        // Two of the four have no energy.
        assert_eq!(count(), if axis == "energy_j" { 2 } else { 4 }, "{axis}");
    }
    assert_eq!(
        page.json("document.getElementById('missing').textContent"),
        "2 more have no value on these axes."
    );
    assert_eq!(page.faults(), Vec::<String>::new());
}
