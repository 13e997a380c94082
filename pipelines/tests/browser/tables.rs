//! Sorting tables.

use crate::show;
use serde_json::Value;

#[test]
fn a_click_on_a_title_sorts_by_its_column() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    let column = |title: &str| {
        format!(
            "(() => {{
                const table = document.querySelector('#results table');
                const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
                return [table, titles.indexOf('{title}')];
            }})()"
        )
    };
    let click = |title: &str| {
        page.run(&format!(
            "const [table, at] = {}; table.tHead.rows[0].cells[at].querySelector('button').click();",
            column(title)
        ));
    };
    let rows = || {
        page.json(
            "[...document.querySelectorAll('#results tbody tr')].map((row) => row.dataset.row)",
        )
    };
    let before = rows();
    click("parameters");
    let networks = crate::networks(page);
    let parameters = |name: &Value| {
        networks.iter().find(|network| network["name"] == *name).unwrap()["parameters"].as_u64()
    };
    let sorted: Vec<Option<u64>> = rows().as_array().unwrap().iter().map(parameters).collect();
    assert!(sorted.is_sorted() && sorted.len() == networks.len() && rows() != before, "{sorted:?}");
    click("parameters");
    let sorted: Vec<Option<u64>> = rows().as_array().unwrap().iter().map(parameters).collect();
    assert!(sorted.iter().rev().is_sorted(), "{sorted:?}");
    // Units are read: microseconds and milliseconds. Cells without a value are last either way.
    for _ in 0..2 {
        click("energy, host");
        let last = rows().as_array().unwrap().last().unwrap().clone();
        let last = networks.iter().find(|network| network["name"] == last).unwrap();
        assert!(last["boards"]["host"]["energy_j"].is_null(), "{last}");
    }
    assert_eq!(page.faults(), Vec::<String>::new());
}

#[test]
fn a_narrow_screen_has_a_list_to_sort_by() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    page.set_medium(360, "screen", "light");
    page.open(&shown.file);
    page.run(
        "const list = document.querySelector('#results .sort-by select');
         list.value = [...list.options].find((one) => one.textContent === 'parameters').value;
         list.dispatchEvent(new Event('change', { bubbles: true }));",
    );
    let first = page.json("document.querySelector('#results tbody tr').dataset.row");
    assert_eq!(first, "1/pruned");
    assert!(
        page.json("document.querySelector('#results .sort-by').offsetHeight").as_u64().unwrap() > 0
    );
}
