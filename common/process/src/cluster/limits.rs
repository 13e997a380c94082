//! Limits on the number of tasks of a user, as far as Slurm's accounting tells them.

use crate::output::output_uninterrupted;
use std::process::Command;
use std::time::Duration;

/// Time after which a question is given up: what is not known is learned from refusals.
const LIMIT: Duration = Duration::from_secs(30);
/// The limits, as both programs name them.
const NAMES: [&str; 2] = ["MaxSubmitJobs", "GrpSubmitJobs"];

/// Limits on the number of submitted tasks of this user.
#[derive(Clone, Debug)]
pub(super) enum SubmitLimit {
    /// The controller knows the limits of this user, and what is left of them now.
    Asked(String),
    /// The largest number of tasks, by the accounting's database.
    Fixed(usize),
    /// None is known, as where accounting is off.
    Unknown,
}

impl SubmitLimit {
    /// Asks Slurm for the limits of the user whom the environment names.
    pub(super) fn find() -> SubmitLimit {
        let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let Some(user) = user else { return SubmitLimit::Unknown };
        if associations(&user).and_then(|listing| room(&listing)).is_some() {
            return SubmitLimit::Asked(user);
        }
        let mut sacctmgr = Command::new("sacctmgr");
        sacctmgr.args(["--noheader", "--parsable2", "show", "associations"]);
        sacctmgr.arg(format!("user={user}")).arg(format!("format={}", NAMES.join(",")));
        let limit = printed(sacctmgr).and_then(|listing| limit(&listing));
        limit.map_or(SubmitLimit::Unknown, SubmitLimit::Fixed)
    }

    /// Returns the number of tasks that may be submitted now; `None` if that is not known.
    pub(super) fn room(&self) -> Option<usize> {
        match self {
            SubmitLimit::Asked(user) => associations(user).and_then(|listing| room(&listing)),
            SubmitLimit::Fixed(limit) => Some(*limit),
            SubmitLimit::Unknown => None,
        }
    }
}

fn associations(user: &str) -> Option<String> {
    let mut scontrol = Command::new("scontrol");
    scontrol.args(["show", "assoc_mgr", "flags=assoc"]).arg(format!("users={user}"));
    printed(scontrol)
}

/// Returns what a program prints; `None` if it is missing or fails.
fn printed(command: Command) -> Option<String> {
    let output = output_uninterrupted(command, LIMIT).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns what limits leave, by `scontrol show assoc_mgr`, in which a limit is written as
/// `MaxSubmitJobs=100(3)`, 3 of them used.
fn room(listing: &str) -> Option<usize> {
    let records = listing.split("ClusterName=").skip(1).map(|record| {
        let left = |word: &str| {
            let (name, value) = word.split_once('=')?;
            let (limit, used) = value.trim_end_matches(')').split_once('(')?;
            let limit: usize = NAMES.contains(&name).then(|| limit.parse().ok())??;
            Some(limit.saturating_sub(used.parse().ok()?))
        };
        record.split_whitespace().filter_map(left).min()
    });
    widest(records)
}

/// Returns the limit by `sacctmgr`, whose lines have those of an association between bars.
fn limit(listing: &str) -> Option<usize> {
    widest(listing.lines().map(|line| line.split('|').filter_map(|word| word.parse().ok()).min()))
}

/// Returns the widest limit of some associations, of which the tasks have one: `None` if one of them
/// is without, or if there are none.
fn widest(limits: impl Iterator<Item = Option<usize>>) -> Option<usize> {
    limits.collect::<Option<Vec<usize>>>()?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_says_what_limits_leave() {
        let record = |account: &str, group: &str, most: &str| {
            format!(
                "ClusterName=c Account={account} UserName=me(7) Partition= ID=3\n    \
                 GrpJobs=N(0)\n    GrpSubmitJobs={group} GrpWall=N(0.00)\n    GrpTRES=cpu=N(0)\n    \
                 MaxJobs=5(1) MaxSubmitJobs={most} MaxWallPJ=\n"
            )
        };
        let head = "Current Association Manager state\n\nAssociation Records\n\n";
        let said = |records: &[String]| room(&format!("{head}{}", records.concat()));
        assert_eq!(said(&[record("a", "N(0)", "100(3)")]), Some(97));
        assert_eq!(said(&[record("a", "50(40)", "100(3)")]), Some(10));
        assert_eq!(said(&[record("a", "N(2)", "1(2)")]), Some(0));
        let (closed, open) = (record("null", "N(0)", "0(0)"), record("a", "N(0)", ""));
        assert_eq!(said(&[closed.clone(), record("a", "N(0)", "9(0)")]), Some(9));
        assert_eq!(said(&[closed, open]), None);
        assert_eq!(room("\nNo associations currently cached in Slurm.\n\n"), None);
    }

    #[test]
    fn the_database_says_the_limits() {
        assert_eq!(limit("100|\n"), Some(100));
        assert_eq!(limit("100|20\n|7\n"), Some(20));
        assert_eq!(limit("100|\n|\n"), None);
        assert_eq!(limit(""), None);
    }
}
