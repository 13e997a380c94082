//! The plan of a crate's working memory, read from the figure `memory.svg` beside its manifest.

/// The most parts that are read.
const MOST_PARTS: usize = 5_000;
/// The most steps that are read.
const MOST_STEPS: usize = 100_000;
const SCRATCH: &str = "scratch memory of ";

/// What the working memory of a crate holds at each step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MemoryPlan {
    /// Number of steps.
    pub(crate) steps: usize,
    pub(crate) parts: Vec<Part>,
}

/// A part of the working memory, and the steps during which it is in use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// Node whose output it holds, or that works in it.
    pub(crate) name: String,
    pub(crate) is_scratch: bool,
    pub(crate) bytes: u64,
    /// Offset in bytes.
    pub(crate) at: u64,
    /// First and last step, from 1.
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// The step during which most memory is in use.
#[derive(Debug, PartialEq)]
pub(crate) struct Peak<'a> {
    pub(crate) step: usize,
    pub(crate) bytes: u64,
    /// Tensors and scratch memory in use in that step, largest first.
    pub(crate) parts: Vec<&'a Part>,
}

impl MemoryPlan {
    /// Reads the titles of the figure's rectangles: `NAME: 1,234 bytes at 0, steps 1 to 3`. Returns
    /// `None` if the text is not such a figure.
    pub(crate) fn parse(svg: &str) -> Option<MemoryPlan> {
        let titles = svg.split("<title>").skip(1).take(MOST_PARTS);
        let parts: Vec<Part> = titles
            .map(|rest| Part::parse(rest.split("</title>").next()?))
            .collect::<Option<_>>()?;
        let steps = parts.iter().map(|part| part.last).max()?;
        (steps <= MOST_STEPS).then_some(MemoryPlan { steps, parts })
    }

    /// Returns the first step during which most memory is in use.
    pub(crate) fn peak(&self) -> Option<Peak<'_>> {
        let used = |step: usize| {
            self.parts.iter().filter(move |part| (part.first..=part.last).contains(&step))
        };
        let bytes = |step: &usize| used(*step).map(|part| part.bytes).sum::<u64>();
        // Memory is only ever filled up where a part begins.
        let mut starts: Vec<usize> = self.parts.iter().map(|part| part.first).collect();
        starts.sort_unstable();
        starts.dedup();
        let step = starts.into_iter().rev().max_by_key(bytes)?;
        let mut parts: Vec<&Part> = used(step).collect();
        parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.at.cmp(&b.at)));
        Some(Peak { step, bytes: bytes(&step), parts })
    }
}

impl Part {
    fn parse(title: &str) -> Option<Part> {
        let (name, is_scratch) = match title.strip_prefix(SCRATCH) {
            Some(name) => (name, true),
            None => (title, false),
        };
        let (name, rest) = name.split_once(": ")?;
        let (bytes, rest) = rest.split_once(" bytes at ")?;
        let (at, rest) = rest.split_once(", steps ")?;
        let (first, last) = rest.split_once(" to ")?;
        let number = |text: &str| text.replace(',', "").parse::<u64>().ok();
        let part = Part {
            name: name.to_string(),
            is_scratch,
            bytes: number(bytes)?,
            at: number(at)?,
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        };
        (part.first >= 1 && part.first <= part.last).then_some(part)
    }

    /// Returns what it holds, in words.
    pub(crate) fn what(&self) -> String {
        format!("{}{}", if self.is_scratch { SCRATCH } else { "" }, self.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two of four steps of a figure that codegen drew, shortened.
    pub(crate) const FIGURE: &str = "\
<svg xmlns=\"http://www.w3.org/2000/svg\">
<rect x=\"100.00\" fill=\"#a9cbe8\"><title>stem.conv: 75,264 bytes at 37,632, steps 1 to 2</title></rect>
<rect x=\"100.00\" fill=\"#f4b266\"><title>scratch memory of stem.conv: 128 bytes at 0, steps 1 to 1</title></rect>
<rect x=\"200.00\" fill=\"#a9cbe8\"><title>condense1.fel1.conv: 37,632 bytes at 0, steps 2 to 3</title></rect>
<rect x=\"300.00\" fill=\"#a9cbe8\"><title>head.classifier: 40 bytes at 75,264, steps 3 to 3</title></rect>
</svg>";

    #[test]
    fn the_figure_is_read() {
        let plan = MemoryPlan::parse(FIGURE).unwrap();
        assert_eq!((plan.steps, plan.parts.len()), (3, 4));
        let peak = plan.peak().unwrap();
        assert_eq!((peak.step, peak.bytes), (2, 75_264 + 37_632));
        let names: Vec<String> = peak.parts.iter().map(|part| part.what()).collect();
        assert_eq!(names, ["stem.conv", "condense1.fel1.conv"]);
        assert_eq!(plan.parts[1].what(), "scratch memory of stem.conv");
    }

    #[test]
    fn other_figures_are_not_read() {
        for other in [
            "",
            "<svg></svg>",
            "<svg><title>a: 1 bytes at 0, steps 2 to 1</title></svg>",
            "<svg><title>a: x bytes at 0, steps 1 to 1</title></svg>",
            "<svg><title>a: 1 bytes at 0, steps 1 to 900000000</title></svg>",
            "<svg><title>a</title></svg>",
        ] {
            assert_eq!(MemoryPlan::parse(other), None, "{other}");
        }
    }
}
