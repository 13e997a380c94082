//! The panels of networks: links to them, and commands to copy.

use crate::show;
use serde_json::json;

/// Middle of the first button of a panel, on the screen.
const BUTTON: &str = "(() => {
    const button = document.querySelector('#network-1-dense button[data-copy]');
    button.scrollIntoView({ block: 'center' });
    const { x, y, width, height } = button.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
})()";

#[test]
fn a_link_opens_a_panel_and_a_button_copies_its_command() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    let open = "document.getElementById('network-1-dense').open";
    assert_eq!(page.json(open), false);
    page.run("document.querySelector('a[href=\"#network-1-dense\"]').click();");
    page.json("new Promise((done) => setTimeout(() => done(0), 200))");
    assert_eq!(page.json(open), true);
    let place = page.json(BUTTON);
    page.click(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    page.json("new Promise((done) => setTimeout(() => done(0), 300))");
    let said =
        page.json("document.querySelector('#network-1-dense button[data-copy]').textContent");
    assert!(said == "Copied" || said == "Selected", "{said}");
    assert_eq!(page.faults(), Vec::<String>::new());
}

#[test]
fn without_scripts_a_panel_can_be_read_and_has_no_buttons() {
    let Some(shown) = show(false) else { return };
    let page = &shown.page;
    let summary = "document.querySelector('#network-1-dense > summary')";
    let at = page.json(&format!(
        "(() => {{ {summary}.scrollIntoView({{ block: 'center' }}); \
         const {{ x, y }} = {summary}.getBoundingClientRect(); return [x + 20, y + 10]; }})()"
    ));
    page.click(at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
    let height = |selector: &str| {
        page.json(&format!("document.querySelector('{selector}').getBoundingClientRect().height"))
    };
    for part in ["#network-1-dense .plot", "#network-1-dense .wrong-images img"] {
        assert!(height(part).as_f64().unwrap() > 10.0, "{part}");
    }
    assert_eq!(height("#network-1-dense button[data-copy]"), json!(0));
}
