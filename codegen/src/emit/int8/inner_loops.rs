//! The loops in assembly that a network's convolutions have on a microcontroller.

use crate::int8::{Int8Plan, Kernel};
use runtime::int8::packing::Packing;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The file among the runtime's sources.
pub(super) const FILE: &str = "engines/cortex_m/loops.rs";
/// The largest offset that `LDRD` takes.
const MOST_OFFSET: usize = 1020;
/// The largest number that `ADDW` takes.
const MOST_STEP: usize = 4095;
/// Lines in a step of a loop, if they are short.
const LINES: usize = 4;

/// A loop: the kernel's side, and the bytes of a line.
type Loop = (usize, usize);

/// Returns the text of the file for a network with this plan.
pub(super) fn source(plan: &Int8Plan) -> String {
    let loops: BTreeSet<(Loop, &str)> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.kernel {
            Kernel::Convolution { layer, .. } if layer.stride == 1 => {
                let made_for = (layer.kernel, layer.line_len(Packing::CORTEX_M));
                function(made_for).map(|name| (made_for, name))
            }
            _ => None,
        })
        .collect();
    let names: BTreeSet<&str> = loops.iter().map(|(_, name)| *name).collect();
    let mut imports: Vec<&str> = vec!["InnerLoop"];
    imports.extend(&names);
    let imports = match imports[..] {
        [one] => one.to_string(),
        _ => format!("{{{}}}", imports.join(", ")),
    };
    let mut text = format!(
        "//! The loops of this network's convolutions.\n\n\
         use super::inner_loop::{imports};\n\n\
         /// Returns the loop for a kernel, a stride and the length of lines in bytes, if there is one.\n\
         #[inline(always)]\n\
         pub fn find(kernel: usize, stride: usize, line: usize) -> Option<InnerLoop> {{\n    \
         match (kernel, stride, line) {{\n"
    );
    for ((kernel, line), name) in loops {
        let _ = writeln!(text, "        ({kernel}, 1, {line}) => Some({name}::<{line}>()),");
    }
    text + "        _ => None,\n    }\n}\n"
}

/// Returns the function that makes a loop; `None` if there is none for it.
fn function((kernel, line): Loop) -> Option<&'static str> {
    let short = (LINES - 1) * line + 4 * (kernel + 1) <= MOST_OFFSET;
    match kernel {
        _ if line > MOST_STEP => None,
        1 => Some(if short { "one" } else { "one_of_wide" }),
        3 => Some(if short { "three" } else { "three_of_wide" }),
        5 => Some(if short { "five" } else { "five_of_wide" }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::function;

    /// Offsets in instructions have few bits.
    #[test]
    fn long_lines_have_loops_of_their_own() {
        assert_eq!(function((3, 136)), Some("three"));
        assert_eq!(function((3, 332)), Some("three"));
        assert_eq!(function((3, 336)), Some("three_of_wide"));
        assert_eq!(function((5, 332)), Some("five"));
        assert_eq!(function((1, 4092)), Some("one_of_wide"));
        assert_eq!(function((1, 4096)), None);
        assert_eq!(function((7, 64)), None);
    }
}
