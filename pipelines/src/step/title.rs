//! Which step of the pipeline it is.

use super::args::StepArgs;

/// Returns the title of a step, such as "stage 3 of 8: train (2 of 3 networks)".
pub(super) fn of(args: &StepArgs) -> String {
    let StepArgs { stages, stage, item, items, .. } = args;
    let number = stages.iter().position(|name| name == stage);
    let position =
        number.map_or(String::new(), |index| format!("stage {} of {}: ", index + 1, stages.len()));
    let items = if *items > 1 { format!(" ({item} of {items} networks)") } else { String::new() };
    format!("{position}{stage}{items}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::time::Duration;

    fn step(stage: &str, item: u32, items: u32) -> StepArgs {
        StepArgs {
            run: PathBuf::from("run"),
            stages: ["data", "explore", "train"].map(str::to_string).to_vec(),
            stage: stage.to_string(),
            item,
            items,
            show: false,
            table: false,
            no_bar: false,
            command: vec![],
        }
    }

    #[test]
    fn a_title_counts_stages_and_networks() {
        assert_eq!(of(&step("train", 2, 3)), "stage 3 of 3: train (2 of 3 networks)");
        assert_eq!(of(&step("data", 1, 1)), "stage 1 of 3: data");
        assert_eq!(of(&step("compare", 1, 1)), "compare");
    }

    #[test]
    fn the_other_networks_take_as_long_as_this_one() {
        let seconds = Duration::from_secs;
        assert_eq!(step("train", 1, 3).left(seconds(10), seconds(20)), seconds(80));
        assert_eq!(step("train", 3, 3).left(seconds(10), seconds(20)), seconds(20));
    }
}
