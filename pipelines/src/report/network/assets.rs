//! The panels' parts of the page's style and script.

/// The panels' part of the page's style.
pub(crate) const STYLE: &str = include_str!("network.css");
/// The panels' part of the page's script: buttons that copy a command, and links that open a panel.
pub(crate) const SCRIPT: &str = include_str!("panels.js");
