//! The values of a pickle, which may refer to each other in any way.

use super::element_type::ElementType;
use anyhow::{Context, Result, ensure};

/// Maximum number of values; CIFAR-100 has 150,000.
const MAX_VALUES: usize = 1 << 24;

/// Maximum number of bytes of all texts and byte strings. A pickle may repeat one in few bytes.
const MAX_BYTES: usize = 1 << 30;
/// Maximum number of axes of an array, NumPy's own.
const MAX_AXES: usize = 64;

/// A reference to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(usize);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `None`, and values that no reader of pickles here asks for, such as real numbers.
    Other,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A byte string, or a text of Python 2.
    Bytes(Vec<u8>),
    /// A text.
    Text(String),
    /// A tuple.
    Tuple(Vec<Id>),
    /// A list.
    List(Vec<Id>),
    /// A dictionary.
    Dictionary(Vec<(Id, Id)>),
    /// A constructor that is recognised as data.
    Constructor(Constructor),
    /// A type of an array's elements.
    ElementType {
        /// Its name without the order of bytes.
        code: String,
        /// Whether the most significant byte comes first.
        big_endian: bool,
    },
    /// An array.
    Array(Option<ArrayParts>),
}

/// The parts of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ArrayParts {
    /// The type of its elements.
    pub(super) kind: ElementType,
    /// The number of elements along each axis.
    pub(super) shape: Vec<usize>,
    /// Whether the first index changes first.
    pub(super) fortran_order: bool,
    /// The bytes of the elements.
    pub(super) bytes: Id,
}

/// A constructor that is recognised as data. Nothing of it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constructor {
    /// Makes an empty array, whose parts follow.
    EmptyArray,
    /// The class of arrays.
    ArrayClass,
    /// Makes a type of elements.
    ElementType,
    /// Makes a single number.
    Number,
    /// Makes an array of a buffer.
    FromBuffer,
    /// Makes a byte string of a text, whose characters are the bytes.
    Latin1,
    /// Makes an empty byte string.
    EmptyBytes,
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Values {
    values: Vec<Value>,
    bytes: usize,
}

impl Values {
    /// Adds a value.
    ///
    /// # Errors
    /// Fails if there are too many.
    pub(super) fn add(&mut self, value: Value) -> Result<Id> {
        ensure!(self.values.len() < MAX_VALUES, "it has over {MAX_VALUES} values");
        self.bytes = self.bytes.saturating_add(match &value {
            Value::Bytes(bytes) => bytes.len(),
            Value::Text(text) | Value::ElementType { code: text, .. } => text.len(),
            _ => 0,
        });
        ensure!(self.bytes <= MAX_BYTES, "it has over {MAX_BYTES} bytes of texts");
        self.values.push(value);
        Ok(Id(self.values.len() - 1))
    }

    /// Returns a value.
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id.0]
    }

    /// Returns a value to be changed.
    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value {
        &mut self.values[id.0]
    }

    /// Returns a text, or a byte string that is one.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Returns the items of a tuple or list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns a whole number.
    pub(super) fn integer(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Integer(number) => Some(*number),
            Value::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// Returns the entry of a dictionary, whose keys may be texts or byte strings.
    pub(super) fn entry(&self, dictionary: Id, key: &str) -> Option<Id> {
        let Value::Dictionary(entries) = self.get(dictionary) else { return None };
        entries.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }

    /// Returns the shape that a tuple stands for.
    ///
    /// # Errors
    /// Fails if it has anything but whole numbers.
    pub(super) fn shape(&self, id: Id) -> Result<Vec<usize>> {
        let items = self.items(id).filter(|items| items.len() <= MAX_AXES);
        let items = items.context("the shape of an array is damaged")?;
        let size = |id: &Id| self.integer(*id).and_then(|size| usize::try_from(size).ok());
        items.iter().map(|id| size(id).context("the shape of an array is damaged")).collect()
    }

    /// Returns the type of an array's elements.
    ///
    /// # Errors
    /// Fails if elements of the type are not read.
    pub(super) fn element_type(&self, id: Id) -> Result<ElementType> {
        match self.get(id) {
            Value::ElementType { code, big_endian } => {
                ElementType::parse(&format!("{}{code}", if *big_endian { '>' } else { '<' }))
            }
            _ => anyhow::bail!("the type of an array's elements is damaged"),
        }
    }
}
