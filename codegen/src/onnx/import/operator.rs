//! A node of a model that is read: its attributes by name, with their defaults.

use crate::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use anyhow::{Result, bail, ensure};

/// A node.
#[derive(Clone, Copy)]
pub(super) struct Operator<'a>(pub(super) &'a NodeProto);

impl<'a> Operator<'a> {
    /// Returns the operator.
    pub(super) fn kind(self) -> &'a str {
        &self.0.op_type
    }

    /// Returns the node's name, or that of its first output if it has none.
    pub(super) fn name(self) -> &'a str {
        let output = self.0.output.first().map_or("", String::as_str);
        if self.0.name.is_empty() { output } else { &self.0.name }
    }

    /// Returns the names of the inputs; a name is empty where an input is left out.
    pub(super) fn inputs(self) -> Vec<&'a str> {
        self.0.input.iter().map(String::as_str).collect()
    }

    /// Returns an input.
    ///
    /// # Errors
    /// Fails if it is left out.
    pub(super) fn input(self, at: usize) -> Result<&'a str> {
        match self.0.input.get(at) {
            Some(name) if !name.is_empty() => Ok(name),
            Some(_) | None => bail!("its input {at} is missing"),
        }
    }

    fn attribute(self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Returns an attribute of one integer.
    pub(super) fn int(self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    /// Returns an attribute of one number.
    pub(super) fn float(self, name: &str, default: f64) -> f64 {
        let attribute = self.attribute(name);
        let int = attribute.and_then(|attribute| attribute.i).map(|int| int as f64);
        attribute.and_then(|attribute| attribute.f).map(f64::from).or(int).unwrap_or(default)
    }

    /// Returns an attribute of several integers; `None` if the node has none of this name.
    pub(super) fn ints(self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// Returns an attribute that is a constant.
    pub(super) fn tensor(self, name: &str) -> Option<&'a TensorProto> {
        self.attribute(name).and_then(|attribute| attribute.t.as_ref())
    }

    /// Returns an attribute that is text.
    pub(super) fn text(self, name: &str) -> Option<&'a [u8]> {
        self.attribute(name).and_then(|attribute| attribute.s.as_deref())
    }

    /// Returns the rows and columns of an attribute such as `strides`.
    ///
    /// # Errors
    /// Fails if it is not two numbers from 0 to 4096.
    pub(super) fn sides(self, name: &str, default: Option<[usize; 2]>) -> Result<[usize; 2]> {
        match (self.ints(name), default) {
            (Some(ints), _) => sizes(name, ints),
            (None, Some(default)) => Ok(default),
            (None, None) => bail!("its attribute {name} is missing"),
        }
    }

    /// Fails unless an attribute of one integer has this value.
    ///
    /// # Errors
    /// Fails if it has another one.
    pub(super) fn must_be(self, name: &str, value: i64) -> Result<()> {
        let found = self.int(name, value);
        ensure!(found == value, "{name} {found} cannot be represented, only {value}");
        Ok(())
    }
}

/// Returns integers as so many sizes.
///
/// # Errors
/// Fails if there are more or fewer, or if one is not from 0 to 4096.
pub(super) fn sizes<const N: usize>(name: &str, ints: &[i64]) -> Result<[usize; N]> {
    let sizes: Vec<usize> = ints
        .iter()
        .filter_map(|size| usize::try_from(*size).ok().filter(|size| *size <= 4096))
        .collect();
    match <[usize; N]>::try_from(sizes.as_slice()) {
        Ok(sizes) if ints.len() == N => Ok(sizes),
        Ok(_) | Err(_) => bail!("its {name} {ints:?} must be {N} numbers from 0 to 4096"),
    }
}
