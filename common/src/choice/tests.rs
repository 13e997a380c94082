use super::*;
use proptest::prelude::*;

fn network(name: &str, accuracy: f64, parameters: u64, latency_s: Option<f64>) -> Candidate {
    Candidate {
        network: name.into(),
        validation_accuracy: Some(accuracy),
        parameters: Some(parameters),
        latency_s,
        ..Candidate::default()
    }
}

/// A large one that is accurate and slow, a middle one, a small one, and one that was not measured.
fn networks() -> Vec<Candidate> {
    vec![
        network("1/dense", 0.98, 3000, Some(0.3)),
        network("2/dense", 0.96, 2000, Some(0.2)),
        network("3/dense", 0.90, 1000, Some(0.1)),
        network("4/dense", 0.99, 4000, None),
    ]
}

fn name(candidate: Option<&Candidate>) -> Option<&str> {
    candidate.map(|candidate| candidate.network.as_str())
}

#[test]
fn the_first_that_meets_all_demands_and_what_each_costs() {
    let networks = networks();
    let demands = Demands { max_latency_s: Some(0.2), ..Demands::default() };
    let choice = choose(&networks, &demands, OrderBy::Accuracy);
    assert_eq!(name(choice.chosen), Some("2/dense"));
    assert_eq!(name(choice.runner_up), Some("3/dense"));
    assert_eq!(choice.cost, BTreeMap::from([(Demand::MaxLatencyS, 0.99 - 0.96)]));
    let excluded: Vec<_> =
        choice.excluded.iter().map(|e| (e.candidate.network.as_str(), e.by.clone())).collect();
    let slow = vec![Demand::MaxLatencyS];
    assert_eq!(excluded, [("4/dense", slow.clone()), ("1/dense", slow)]);
    assert_eq!(choice.nearest, None);
}

#[test]
fn a_demand_that_excludes_nothing_better_costs_nothing() {
    let networks = networks();
    let demands =
        Demands { max_latency_s: Some(0.2), min_accuracy: Some(0.5), ..Demands::default() };
    let choice = choose(&networks, &demands, OrderBy::Parameters);
    assert_eq!(name(choice.chosen), Some("3/dense"));
    let free = [(Demand::MaxLatencyS, 0.0), (Demand::MinAccuracy, 0.0)];
    assert_eq!(choice.cost, BTreeMap::from(free));
    let demands = Demands { min_accuracy: Some(0.95), ..demands };
    let choice = choose(&networks, &demands, OrderBy::Parameters);
    assert_eq!(name(choice.chosen), Some("2/dense"));
    assert_eq!(choice.cost[&Demand::MinAccuracy], 1000.0, "without it, 1000 parameters less");
}

#[test]
fn what_was_not_measured_is_not_chosen_by_its_measurement() {
    let networks = networks();
    let choice = choose(&networks, &Demands::default(), OrderBy::Latency);
    assert_eq!(name(choice.chosen), Some("3/dense"));
    assert_eq!(choice.excluded.len(), 1);
    assert_eq!(choice.excluded[0].by, [Demand::Objective]);
    assert_eq!(choose(&networks, &Demands::default(), OrderBy::Energy).chosen, None);
}

#[test]
fn the_nearest_fails_the_fewest_demands_by_the_least() {
    let networks = networks();
    let demands =
        Demands { max_latency_s: Some(0.15), min_accuracy: Some(0.95), ..Demands::default() };
    let choice = choose(&networks, &demands, OrderBy::Accuracy);
    assert_eq!((choice.chosen, choice.runner_up), (None, None));
    assert!(choice.cost.is_empty());
    let nearest = choice.nearest.unwrap();
    // 3/dense has 0.05 too little of 0.95, 2/dense takes a third too long, 4/dense is unknown.
    assert_eq!(name(Some(nearest.candidate)), Some("3/dense"));
    assert_eq!(nearest.by, [Demand::MinAccuracy]);
    assert_eq!(choice.excluded.len(), 4);
}

#[test]
fn the_test_accuracy_decides_nothing() {
    let mut networks = networks();
    networks[2].test_accuracy = Some(1.0);
    assert_eq!(
        name(choose(&networks, &Demands::default(), OrderBy::Accuracy).chosen),
        Some("4/dense")
    );
}

#[test]
fn of_nothing_nothing_is_chosen() {
    let choice = choose(&[], &Demands::default(), OrderBy::Accuracy);
    assert_eq!((choice.chosen, choice.nearest), (None, None));
}

#[test]
fn impossible_demands_are_refused() {
    let demands = Demands {
        max_power_w: Some(1.0),
        max_flash_bytes: Some(1),
        min_accuracy: Some(1.0),
        ..Demands::default()
    };
    demands.check().unwrap();
    for wrong in [
        Demands { max_power_w: Some(0.0), ..demands },
        Demands { max_power_w: Some(f64::NAN), ..demands },
        Demands { max_latency_s: Some(-1.0), ..demands },
        Demands { max_flash_bytes: Some(0), ..demands },
        Demands { max_arena_bytes: Some(0), ..demands },
        Demands { min_accuracy: Some(1.1), ..demands },
    ] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
}

#[test]
fn demands_have_the_same_names_in_files() {
    let demands = [
        Demand::MaxLatencyS,
        Demand::MaxEnergyJ,
        Demand::MaxPowerW,
        Demand::MaxFlashBytes,
        Demand::MaxArenaBytes,
        Demand::MinAccuracy,
        Demand::Objective,
    ];
    for demand in demands {
        assert_eq!(serde_json::to_string(&demand).unwrap(), format!("\"{}\"", demand.name()));
    }
}

/// Few different values, so that there are ties and values equal to a limit.
fn some_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![1 => Just(None), 5 => (1u8..6).prop_map(|tenths| Some(f64::from(tenths) / 10.0))]
}

fn some_count() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 5 => (1u64..6).prop_map(Some)]
}

fn some_candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let floats = (some_value(), some_value(), some_value(), some_value(), some_value());
    let counts = (some_count(), some_count(), some_count());
    let candidate = (floats, counts).prop_map(|(floats, counts)| Candidate {
        network: String::new(),
        validation_accuracy: floats.0,
        test_accuracy: floats.1,
        latency_s: floats.2,
        energy_j: floats.3,
        power_w: floats.4,
        parameters: counts.0,
        flash_bytes: counts.1,
        arena_bytes: counts.2,
    });
    proptest::collection::vec(candidate, 0..12).prop_map(|mut candidates| {
        for (index, candidate) in candidates.iter_mut().enumerate() {
            candidate.network = format!("{index}/dense");
        }
        candidates
    })
}

fn some_demands() -> impl Strategy<Value = Demands> {
    let floats = (some_value(), some_value(), some_value(), some_value());
    (floats, some_count(), some_count()).prop_map(|(floats, flash, arena)| Demands {
        max_latency_s: floats.0,
        max_energy_j: floats.1,
        max_power_w: floats.2,
        min_accuracy: floats.3,
        max_flash_bytes: flash,
        max_arena_bytes: arena,
    })
}

fn some_order() -> impl Strategy<Value = OrderBy> {
    prop_oneof![
        Just(OrderBy::Accuracy),
        Just(OrderBy::Latency),
        Just(OrderBy::Energy),
        Just(OrderBy::Parameters),
    ]
}

/// Tells whether a network meets all demands, written out without the rule's own functions.
fn is_eligible(c: &Candidate, d: &Demands, order_by: OrderBy) -> bool {
    let most = |limit: Option<f64>, value: Option<f64>| match (limit, value) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(limit), Some(value)) => value <= limit,
    };
    let most_bytes = |limit: Option<u64>, value: Option<u64>| match (limit, value) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(limit), Some(value)) => value <= limit,
    };
    let accurate = match (d.min_accuracy, c.validation_accuracy) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(limit), Some(value)) => value >= limit,
    };
    most(d.max_latency_s, c.latency_s)
        && most(d.max_energy_j, c.energy_j)
        && most(d.max_power_w, c.power_w)
        && most_bytes(d.max_flash_bytes, c.flash_bytes)
        && most_bytes(d.max_arena_bytes, c.arena_bytes)
        && accurate
        && sort_key(c, order_by)[0] < UNKNOWN
}

const UNKNOWN: f64 = 1e9;

/// Numbers that are compared one after the other, the smaller ones first.
fn sort_key(c: &Candidate, order_by: OrderBy) -> [f64; 4] {
    let accuracy = c.validation_accuracy.map_or(UNKNOWN, |accuracy| -accuracy);
    let parameters = c.parameters.map_or(UNKNOWN, |parameters| parameters as f64);
    let latency = c.latency_s.unwrap_or(UNKNOWN);
    let first = match order_by {
        OrderBy::Accuracy => accuracy,
        OrderBy::Latency => latency,
        OrderBy::Energy => c.energy_j.unwrap_or(UNKNOWN),
        OrderBy::Parameters => parameters,
    };
    [first, accuracy, parameters, latency]
}

/// Tells whether a network is preferred to another one.
fn is_better(a: &Candidate, b: &Candidate, order_by: OrderBy) -> bool {
    let (a_key, b_key) = (sort_key(a, order_by), sort_key(b, order_by));
    let different = (0..4).find(|place| a_key[*place] != b_key[*place]);
    different.map_or(a.network < b.network, |place| a_key[place] < b_key[place])
}

/// Returns the network that no other eligible one is better than.
fn best<'a>(candidates: &'a [Candidate], d: &Demands, order_by: OrderBy) -> Option<&'a Candidate> {
    candidates.iter().filter(|c| is_eligible(c, d, order_by)).find(|c| {
        !candidates
            .iter()
            .any(|other| is_eligible(other, d, order_by) && is_better(other, c, order_by))
    })
}

/// Returns the demands without one of them.
fn without(demands: &Demands, demand: Demand) -> Demands {
    let mut less = *demands;
    match demand {
        Demand::MaxLatencyS => less.max_latency_s = None,
        Demand::MaxEnergyJ => less.max_energy_j = None,
        Demand::MaxPowerW => less.max_power_w = None,
        Demand::MaxFlashBytes => less.max_flash_bytes = None,
        Demand::MaxArenaBytes => less.max_arena_bytes = None,
        Demand::MinAccuracy => less.min_accuracy = None,
        Demand::Objective => {}
    }
    less
}

proptest! {
    #[test]
    fn brute_force_agrees(
        candidates in some_candidates(), demands in some_demands(), order_by in some_order(),
    ) {
        let choice = choose(&candidates, &demands, order_by);
        let chosen = best(&candidates, &demands, order_by);
        prop_assert_eq!(choice.chosen, chosen);
        let others: Vec<Candidate> =
            candidates.iter().filter(|c| Some(*c) != chosen).cloned().collect();
        let second = chosen.and_then(|_| best(&others, &demands, order_by));
        prop_assert_eq!(choice.runner_up, second);
        let eligible = candidates.iter().filter(|c| is_eligible(c, &demands, order_by)).count();
        prop_assert_eq!(choice.excluded.len(), candidates.len() - eligible);
        prop_assert_eq!(choice.nearest.is_some(), chosen.is_none() && !candidates.is_empty());
        let Some(chosen) = chosen else { return Ok(()) };
        prop_assert_eq!(choice.cost.len(), demands.limits().len());
        for (demand, cost) in &choice.cost {
            let free = best(&candidates, &without(&demands, *demand), order_by).unwrap();
            let lost = sort_key(chosen, order_by)[0] - sort_key(free, order_by)[0];
            prop_assert!(lost >= 0.0);
            prop_assert_eq!(*cost, lost);
        }
    }

    #[test]
    fn what_excludes_a_network_is_all_that_excludes_it(
        candidates in some_candidates(), demands in some_demands(), order_by in some_order(),
    ) {
        for excluded in choose(&candidates, &demands, order_by).excluded {
            prop_assert!(!excluded.by.is_empty());
            let relaxed = excluded.by.iter().fold(demands, |left, by| without(&left, *by));
            let known = !excluded.by.contains(&Demand::Objective);
            prop_assert_eq!(is_eligible(excluded.candidate, &relaxed, order_by), known);
            let kept = excluded.by.iter().skip(1).fold(demands, |left, by| without(&left, *by));
            prop_assert!(!is_eligible(excluded.candidate, &kept, order_by));
        }
    }

    #[test]
    fn no_network_is_nearer_than_the_nearest(
        candidates in some_candidates(), demands in some_demands(), order_by in some_order(),
    ) {
        let choice = choose(&candidates, &demands, order_by);
        let Some(nearest) = &choice.nearest else { return Ok(()) };
        let excess = |excluded: &Excluded<'_>| {
            let each = excluded.by.iter().map(|by| demands.excess(*by, excluded.candidate));
            each.fold(0.0, f64::max)
        };
        for other in &choice.excluded {
            let by_number = nearest.by.len().cmp(&other.by.len());
            let order = by_number.then(excess(nearest).total_cmp(&excess(other)));
            prop_assert!(order.is_le(), "{:?} is nearer than {:?}", other, nearest);
            let is_first = !is_better(other.candidate, nearest.candidate, order_by);
            prop_assert!(order.is_lt() || is_first);
        }
    }

    #[test]
    fn the_order_of_the_list_changes_nothing(
        (candidates, shuffled) in some_candidates()
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        demands in some_demands(),
        order_by in some_order(),
    ) {
        prop_assert_eq!(
            choose(&candidates, &demands, order_by),
            choose(&shuffled, &demands, order_by)
        );
    }
}
