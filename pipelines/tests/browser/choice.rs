//! Demands: the page's answer is that of the rule.

use crate::driver::Page;
use crate::{networks, show};
use common::choice::{Candidate, Demands, OrderBy, choose};
use serde_json::Value;

/// Returns the networks that are measured on the board, as the rule takes them.
fn candidates(page: &Page) -> Vec<Candidate> {
    let measured = |network: &Value| network["boards"]["host"]["reason"].is_null();
    let candidate = |network: &Value| {
        let on = &network["boards"]["host"];
        Candidate {
            network: network["name"].as_str().unwrap().to_string(),
            validation_accuracy: network["validation"]["accuracy"].as_f64(),
            test_accuracy: network["test"]["accuracy"].as_f64(),
            parameters: network["parameters"].as_u64(),
            latency_s: on["latency_s"].as_f64(),
            energy_j: on["energy_j"].as_f64(),
            power_w: on["power_w"].as_f64(),
            flash_bytes: on["flash_bytes"].as_u64(),
            arena_bytes: on["arena_bytes"].as_u64(),
        }
    };
    networks(page).iter().filter(|network| measured(network)).map(candidate).collect()
}

fn said(page: &Page, id: &str) -> Option<String> {
    let found = page.json(&format!("document.querySelector('#{id} strong')?.textContent"));
    found.as_str().map(String::from)
}

/// Compares the page's answer with the rule's.
fn check(page: &Page, demands: &Demands, order_by: OrderBy) {
    let candidates = candidates(page);
    let choice = choose(&candidates, demands, order_by);
    let name = |candidate: Option<&Candidate>| candidate.map(|c| c.network.clone());
    assert_eq!(said(page, "chosen"), name(choice.chosen), "{demands:?}");
    assert_eq!(said(page, "runner-up"), name(choice.runner_up), "{demands:?}");
    let nearest = choice.nearest.as_ref().map(|nearest| nearest.candidate);
    assert_eq!(said(page, "nearest"), name(nearest), "{demands:?}");
    let left = page.json("document.getElementById('left').textContent");
    let met = candidates.len() - choice.excluded.len();
    let expected = format!("{met} of {} networks on host meet the demands.", candidates.len());
    assert_eq!(left, expected.as_str());
    let costs = page.json(
        "[...document.querySelectorAll('#answer p')].map((line) => line.textContent)
            .filter((line) => line.includes(' costs ')).map((line) => !line.endsWith('nothing.'))",
    );
    let expected: Vec<bool> = choice.cost.values().map(|cost| *cost > 0.0).collect();
    assert_eq!(costs, serde_json::json!(expected), "{demands:?}");
}

fn enter(page: &Page, name: &str, text: &str) {
    page.run(&format!(
        "const field = document.getElementById('explorer').elements['{name}']; field.value = '{text}';
         field.dispatchEvent(new Event('input', {{ bubbles: true }}));"
    ));
}

#[test]
fn the_page_chooses_as_the_rule_does() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    check(page, &Demands::default(), OrderBy::Accuracy);
    let orders = [
        ("accuracy", OrderBy::Accuracy),
        ("latency", OrderBy::Latency),
        ("energy", OrderBy::Energy),
        ("parameters", OrderBy::Parameters),
    ];
    let all = [
        ("0.3", "", "", "", ""),
        ("0.5", "3", "", "", ""),
        ("", "1.5", "6.5", "", ""),
        ("", "", "", "100", "98.2"),
        ("0.2", "", "", "", "98.95"),
        ("0.01", "0.1", "1", "1", "99.99"),
        ("", "", "", "65.074", "99.1"),
    ];
    for (latency, energy, power, flash, accuracy) in all {
        let number = |text: &str| text.parse::<f64>().ok();
        let scaled = |text: &str, power: i32| {
            (!text.is_empty()).then(|| format!("{text}e{power}").parse().unwrap())
        };
        let demands = Demands {
            max_latency_s: scaled(latency, -3),
            max_energy_j: scaled(energy, -3),
            max_power_w: number(power),
            max_flash_bytes: number(flash).map(|kilobytes| (kilobytes * 1e3).round() as u64),
            max_arena_bytes: None,
            min_accuracy: scaled(accuracy, -2),
        };
        for (name, text) in [
            ("max_latency_s", latency),
            ("max_energy_j", energy),
            ("max_power_w", power),
            ("max_flash_bytes", flash),
            ("min_accuracy", accuracy),
        ] {
            enter(page, name, text);
        }
        for (objective, order_by) in orders {
            enter(page, "objective", objective);
            check(page, &demands, order_by);
        }
    }
    assert_eq!(page.faults(), Vec::<String>::new());
}

/// Returns the number in a demand's field.
fn field(page: &Page, name: &str) -> Option<f64> {
    let text = page.json(&format!("document.getElementById('explorer').elements['{name}'].value"));
    text.as_str().unwrap().parse().ok()
}

#[test]
fn a_line_is_dragged_and_a_slider_is_moved() {
    let Some(shown) = show(true) else { return };
    let page = &shown.page;
    enter(page, "x", "latency_s");
    let line = page.json(
        "(() => {
            const plane = document.getElementById('plane');
            plane.scrollIntoView({ block: 'center' });
            const box = document.querySelector('.limit.x .grip').getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2, plane.getBoundingClientRect().width];
        })()",
    );
    let [x, y, width] = [0, 1, 2].map(|index| line[index].as_f64().unwrap());
    page.mouse("mouseMoved", x, y);
    page.mouse("mousePressed", x, y);
    for step in 1..=4 {
        page.mouse("mouseMoved", x - width * 0.1 * f64::from(step), y);
    }
    page.mouse("mouseReleased", x - width * 0.4, y);
    let milliseconds = field(page, "max_latency_s").expect("a demand");
    let demands = |milliseconds: Option<f64>| Demands {
        max_latency_s: milliseconds.map(|number| format!("{number}e-3").parse().unwrap()),
        ..Demands::default()
    };
    check(page, &demands(Some(milliseconds)), OrderBy::Accuracy);
    let left = page.json("document.querySelectorAll('.point.out').length").as_u64().unwrap();
    assert!(left > 0, "what does not meet the demand is faint");
    // Moving goes on only while the button is down.
    page.mouse("mouseMoved", x, y);
    assert_eq!(field(page, "max_latency_s"), Some(milliseconds));

    let slide = |place: u32| {
        page.run(&format!(
            "const slider = document.querySelector('input[data-demand=max_latency_s]'); slider.value = {place};
             slider.dispatchEvent(new Event('input', {{ bubbles: true }}));"
        ));
        field(page, "max_latency_s")
    };
    for place in [0, 60, 120, 180] {
        let milliseconds = slide(place);
        assert!(milliseconds.is_some());
        check(page, &demands(milliseconds), OrderBy::Accuracy);
    }
    assert_eq!(slide(200), None, "the end is no demand");
    check(page, &Demands::default(), OrderBy::Accuracy);
    assert_eq!(page.faults(), Vec::<String>::new());
}
