//! Writes the manual pages and the shells' completions of `neuropower`, with the commands of all
//! stages, into the folder that it is given, which becomes `share`.

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::fs::{self, File};
use std::path::Path;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("help-files takes one folder")?;
    write(Path::new(&folder))
}

fn write(share: &Path) -> Result<()> {
    let mut command = whole();
    for (shell, path) in [
        (Shell::Bash, "bash-completion/completions/neuropower"),
        (Shell::Zsh, "zsh/site-functions/_neuropower"),
        (Shell::Fish, "fish/vendor_completions.d/neuropower.fish"),
    ] {
        let path = share.join(path);
        fs::create_dir_all(path.parent().context("a file without a folder")?)?;
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        clap_complete::generate(shell, &mut command, "neuropower", &mut file);
    }
    let pages = share.join("man/man1");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(whole(), &pages).with_context(|| pages.display().to_string())
}

/// Returns the command line of `neuropower` in which each stage has that of its own program.
/// Hidden commands are left out.
fn whole() -> Command {
    let own = process::cli::command::<pipelines::neuropower::Args>();
    let shown = own.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("neuropower")
        .version(env!("CARGO_PKG_VERSION"))
        .about(own.get_about().cloned().unwrap_or_default())
        .after_help(own.get_after_help().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(own.get_arguments().cloned())
        .subcommands(shown.map(|command| match command.get_name() {
            "explore" => explore::Args::command(),
            "train" => train::Args::command(),
            "prune" => prune::Args::command(),
            "codegen" => codegen::Args::command(),
            "measure" => measure::Args::command(),
            "report" => pipelines::report::Args::command(),
            "fetch-data" => pipelines::fetch::Args::command(),
            _ => command.clone(),
        }))
}
