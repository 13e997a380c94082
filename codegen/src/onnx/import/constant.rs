//! Constants of a model that is read.

use crate::onnx::proto::{FLOAT, INT64, TensorProto};
use anyhow::{Context, Result, bail, ensure};

/// The most elements of a constant: as many as a network has parameters.
const MAX_ELEMENTS: usize = 1 << 27;

/// The elements of a constant in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elements {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    /// Elements of a type that is not read.
    Other(i32),
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    /// The shape; empty for a scalar.
    pub(super) dims: Vec<usize>,
    pub(super) elements: Elements,
}

impl Constant {
    /// Reads a constant of f32 or i64; of another type, only its shape.
    ///
    /// # Errors
    /// Fails if its elements are in another file, or not as many as its shape says.
    pub(super) fn read(tensor: &TensorProto) -> Result<Constant> {
        ensure!(
            tensor.data_location == 0,
            "its elements are in another file: export the model with all of its data in one file"
        );
        let dims: Option<Vec<usize>> =
            tensor.dims.iter().map(|side| usize::try_from(*side).ok()).collect();
        let dims = dims.context("a side of its shape is negative")?;
        let count = dims.iter().try_fold(1usize, |count, side| count.checked_mul(*side));
        let count = count.filter(|count| *count <= MAX_ELEMENTS);
        let count = count.with_context(|| format!("it has over {MAX_ELEMENTS} elements"))?;
        let (raw, bytes) = (tensor.raw_data.as_slice(), !tensor.raw_data.is_empty());
        let elements = match tensor.data_type {
            FLOAT if bytes => Elements::Floats(raw_elements(raw, f32::from_le_bytes)?),
            FLOAT => Elements::Floats(tensor.float_data.clone()),
            INT64 if bytes => Elements::Integers(raw_elements(raw, i64::from_le_bytes)?),
            INT64 => Elements::Integers(tensor.int64_data.clone()),
            other => Elements::Other(other),
        };
        let found = match &elements {
            Elements::Floats(floats) => floats.len(),
            Elements::Integers(integers) => integers.len(),
            Elements::Other(_) => count,
        };
        ensure!(found == count, "it has {found} elements, but its shape {dims:?} needs {count}");
        Ok(Constant { dims, elements })
    }

    /// Returns the elements as f32.
    ///
    /// # Errors
    /// Fails if they are integers.
    pub(super) fn floats(&self) -> Result<&[f32]> {
        match &self.elements {
            Elements::Floats(floats) => Ok(floats),
            Elements::Integers(_) | Elements::Other(_) => {
                bail!("a constant that it reads has another type than f32")
            }
        }
    }

    /// Returns the elements as integers.
    ///
    /// # Errors
    /// Fails if they are f32.
    pub(super) fn integers(&self) -> Result<&[i64]> {
        match &self.elements {
            Elements::Integers(integers) => Ok(integers),
            Elements::Floats(_) | Elements::Other(_) => {
                bail!("a constant that it reads has another type than i64")
            }
        }
    }

    /// Returns the only element, if it is one f32.
    pub(super) fn scalar(&self) -> Option<f32> {
        match &self.elements {
            Elements::Floats(floats) if floats.len() == 1 => floats.first().copied(),
            Elements::Floats(_) | Elements::Integers(_) | Elements::Other(_) => None,
        }
    }
}

fn raw_elements<const N: usize, T>(raw: &[u8], of: fn([u8; N]) -> T) -> Result<Vec<T>> {
    let (elements, rest) = raw.as_chunks::<N>();
    ensure!(rest.is_empty(), "its {} bytes are no whole number of elements", raw.len());
    Ok(elements.iter().map(|bytes| of(*bytes)).collect())
}
