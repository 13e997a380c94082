//! A choice in words.

use common::choice::{Candidate, Choice, Demand, Demands, Excluded, OrderBy};

/// Returns the lines about a choice among `total` networks: the chosen one, the second one, what
/// each demand excludes and costs, and the `refused` networks, which do not exist, with reasons.
pub(crate) fn lines(
    choice: &Choice<'_>,
    total: usize,
    demands: &Demands,
    order_by: OrderBy,
    refused: &[(String, String)],
) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(choice.chosen.map(|chosen| format!("chosen: {}", network(chosen))));
    lines.extend(choice.runner_up.map(|second| format!("runner-up: {}", network(second))));
    for (demand, limit) in demands.limits() {
        let (name, excluded) = (demand.name(), excluded_by(&choice.excluded, demand));
        let cost = choice.cost.get(&demand).map(|cost| lost(*cost, order_by));
        let cost = cost.map_or(String::new(), |cost| format!(" and costs {cost}"));
        lines.push(format!("{name} {limit} excludes {excluded} of {total} networks{cost}"));
    }
    lines.extend(refused.iter().map(|(name, reason)| format!("{name} is left out: {reason}")));
    lines
}

/// Returns the sentence for a choice without a chosen network.
pub(crate) fn none_chosen(choice: &Choice<'_>) -> String {
    match &choice.nearest {
        None => "there is no network to choose from: all were left out".to_string(),
        Some(Excluded { candidate, by }) => {
            let failed: Vec<&str> = by.iter().map(|demand| demand.name()).collect();
            format!(
                "no network meets the demands; nearest is {}, which fails {}",
                network(candidate),
                failed.join(" and ")
            )
        }
    }
}

fn excluded_by(excluded: &[Excluded<'_>], demand: Demand) -> usize {
    excluded.iter().filter(|network| network.by.contains(&demand)).count()
}

/// Returns a network with its known values.
fn network(candidate: &Candidate) -> String {
    let values = [
        candidate.validation_accuracy.map(|x| format!("validation accuracy {:.2} %", 100.0 * x)),
        candidate.parameters.map(|parameters| format!("{parameters} parameters")),
        candidate.latency_s.map(|seconds| format!("{:.1} us", 1e6 * seconds)),
        candidate.energy_j.map(|joules| format!("{:.1} uJ", 1e6 * joules)),
        candidate.power_w.map(|watts| format!("{watts:.2} W")),
        candidate.flash_bytes.map(|bytes| format!("flash {bytes} bytes")),
        candidate.arena_bytes.map(|bytes| format!("arena {bytes} bytes")),
    ];
    let values: Vec<String> = values.into_iter().flatten().collect();
    let test = candidate.test_accuracy.map(|x| format!(" (test accuracy {:.2} %)", 100.0 * x));
    format!("{}: {}{}", candidate.network, values.join(", "), test.unwrap_or_default())
}

/// Returns a lost value of the objective.
fn lost(cost: f64, order_by: OrderBy) -> String {
    if cost == 0.0 {
        return "nothing".to_string();
    }
    match order_by {
        OrderBy::Accuracy => format!("{:.2} points of validation accuracy", 100.0 * cost),
        OrderBy::Latency => format!("{:.1} us", 1e6 * cost),
        OrderBy::Energy => format!("{:.1} uJ", 1e6 * cost),
        OrderBy::Parameters => format!("{cost} parameters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::choice::choose;

    fn networks() -> Vec<Candidate> {
        let named = |network: &str, accuracy, latency_s| Candidate {
            network: network.into(),
            validation_accuracy: Some(accuracy),
            test_accuracy: Some(0.875),
            parameters: Some(2000),
            latency_s: Some(latency_s),
            ..Candidate::default()
        };
        vec![named("1/dense", 0.98, 3e-4), named("2/dense", 0.955, 1e-4)]
    }

    #[test]
    fn the_chosen_one_the_second_and_what_demands_cost() {
        let networks = networks();
        let demands = Demands { max_latency_s: Some(2e-4), ..Demands::default() };
        let choice = choose(&networks, &demands, OrderBy::Accuracy);
        let refused = [("3/dense".to_string(), "it diverged".to_string())];
        let expected = [
            "chosen: 2/dense: validation accuracy 95.50 %, 2000 parameters, 100.0 us (test \
             accuracy 87.50 %)",
            "max_latency_s 0.0002 excludes 1 of 2 networks and costs 2.50 points of validation \
             accuracy",
            "3/dense is left out: it diverged",
        ];
        assert_eq!(lines(&choice, 2, &demands, OrderBy::Accuracy, &refused), expected);
        let demands = Demands { max_latency_s: Some(3e-4), ..demands };
        let choice = choose(&networks, &demands, OrderBy::Accuracy);
        let said = lines(&choice, 2, &demands, OrderBy::Accuracy, &[]);
        assert!(said[1].starts_with("runner-up: 2/dense: "), "{said:?}");
        assert_eq!(said[2], "max_latency_s 0.0003 excludes 0 of 2 networks and costs nothing");
    }

    #[test]
    fn without_a_choice_the_nearest_is_named() {
        let networks = networks();
        let demands = Demands { max_latency_s: Some(5e-5), ..Demands::default() };
        let said = none_chosen(&choose(&networks, &demands, OrderBy::Accuracy));
        assert!(said.starts_with("no network meets the demands; nearest is 2/dense: "), "{said}");
        assert!(said.ends_with(", which fails max_latency_s"), "{said}");
        let said = none_chosen(&choose(&[], &demands, OrderBy::Accuracy));
        assert_eq!(said, "there is no network to choose from: all were left out");
    }
}
