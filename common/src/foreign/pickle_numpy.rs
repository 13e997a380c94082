//! The constructors in pickles that are recognised as data: those of NumPy's arrays and numbers.

use super::elements::Elements;
use super::pickle_values::{ArrayParts, Constructor, Id, Value, Values};
use anyhow::{Context, Result, bail, ensure};

/// Returns the constructor of a name.
///
/// # Errors
/// Fails with the name if it is not one that is recognised.
pub(super) fn constructor(module: &str, name: &str) -> Result<Constructor> {
    match (module, name) {
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
            Ok(Constructor::EmptyArray)
        }
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Ok(Constructor::Number),
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
            Ok(Constructor::FromBuffer)
        }
        ("numpy", "ndarray") => Ok(Constructor::ArrayClass),
        ("numpy", "dtype") => Ok(Constructor::ElementType),
        ("_codecs", "encode") => Ok(Constructor::Latin1),
        ("__builtin__" | "builtins", "bytes") => Ok(Constructor::EmptyBytes),
        _ => bail!(
            "the pickle calls {}.{}, which is not plain data: such a file is never run",
            module.escape_debug(),
            name.escape_debug()
        ),
    }
}

/// Returns what a constructor makes of its arguments.
///
/// # Errors
/// Fails if the arguments are not those of data.
pub(super) fn reduce(values: &Values, function: Id, arguments: Id) -> Result<Value> {
    let Value::Constructor(constructor) = *values.get(function) else {
        bail!("the pickle calls something that is not a function")
    };
    let arguments = values.items(arguments).context("the pickle is damaged: no arguments")?;
    match (constructor, arguments) {
        (Constructor::EmptyArray, [class, ..]) => {
            let is_array = *values.get(*class) == Value::Constructor(Constructor::ArrayClass);
            ensure!(is_array, "the pickle has an array of a class of its own");
            Ok(Value::Array(None))
        }
        (Constructor::ElementType, [code, ..]) => {
            let code = values.text(*code).context("the type of an array's elements is damaged")?;
            let big_endian = code.starts_with('>');
            let code = code.trim_start_matches(['<', '>', '|', '=']).to_string();
            Ok(Value::ElementType { code, big_endian })
        }
        (Constructor::Number, [kind, bytes]) => number(values, *kind, *bytes),
        (Constructor::FromBuffer, [bytes, kind, shape, order]) => {
            let fortran_order = values.text(*order) == Some("F");
            Ok(Value::Array(Some(ArrayParts {
                kind: values.element_type(*kind)?,
                shape: values.shape(*shape)?,
                fortran_order,
                bytes: *bytes,
            })))
        }
        (Constructor::Latin1, [text, ..]) => {
            let Value::Text(text) = values.get(*text) else {
                bail!("the pickle is damaged: it encodes what is no text")
            };
            let byte = |c: char| u8::try_from(c).ok();
            let bytes = text.chars().map(byte).collect::<Option<Vec<u8>>>();
            Ok(Value::Bytes(bytes.context("the pickle is damaged: a byte over 255")?))
        }
        (Constructor::EmptyBytes, []) => Ok(Value::Bytes(Vec::new())),
        _ => bail!("the pickle is damaged: a function has other arguments than data"),
    }
}

fn number(values: &Values, kind: Id, bytes: Id) -> Result<Value> {
    let kind = values.element_type(kind)?;
    let Value::Bytes(bytes) = values.get(bytes) else { bail!("a number of the pickle is damaged") };
    ensure!(bytes.len() == kind.size(), "a number of the pickle is damaged");
    Ok(match kind.elements(bytes)? {
        Elements::Bytes(bytes) => Value::Integer(bytes[0].into()),
        Elements::Integers(numbers) => Value::Integer(numbers[0]),
        Elements::Texts(mut texts) => Value::Text(texts.remove(0)),
    })
}

/// Sets the state of an array or of a type of elements.
///
/// # Errors
/// Fails if the state is not that of data.
pub(super) fn build(values: &mut Values, object: Id, state: Id) -> Result<()> {
    let state = values.items(state).context("the pickle sets a state that is not data")?.to_vec();
    match (values.get(object), &state[..]) {
        (Value::Array(None), [_, shape, kind, fortran_order, bytes]) => {
            let parts = ArrayParts {
                kind: values.element_type(*kind)?,
                shape: values.shape(*shape)?,
                fortran_order: *values.get(*fortran_order) == Value::Bool(true)
                    || values.integer(*fortran_order) == Some(1),
                bytes: *bytes,
            };
            *values.get_mut(object) = Value::Array(Some(parts));
            Ok(())
        }
        (Value::ElementType { code, .. }, [_, order, _, fields, ..]) => {
            ensure!(
                *values.get(*fields) == Value::Other,
                "the pickle has an array of records with several fields"
            );
            let big_endian = values.text(*order) == Some(">");
            let code = code.clone();
            *values.get_mut(object) = Value::ElementType { code, big_endian };
            Ok(())
        }
        _ => bail!("the pickle sets the state of an object that is not an array"),
    }
}
