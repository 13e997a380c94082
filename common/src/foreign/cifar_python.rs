//! CIFAR's Python version: a pickle of a dictionary with an array of images and a list of labels,
//! and one with the names of the classes.

use super::array::Array;
use super::elements::Elements;
use super::image_array::{ChannelOrder, ImageArray, images};
use super::pickle;
use super::pickle_values::{Id, Value, Values};
use anyhow::{Context, Result, bail, ensure};

/// Side of the images.
const SIDE: usize = 32;

/// The contents of a file of CIFAR's Python version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CifarPython {
    /// Images and the label of each one; the fine one of CIFAR-100.
    Batch {
        /// The images.
        images: ImageArray,
        /// The labels.
        labels: Vec<i64>,
    },
    /// Names of the classes, in the order of labels.
    Names(Vec<String>),
}

/// Reads a file such as `data_batch_1`, `train`, `batches.meta` or `meta`.
///
/// # Errors
/// Fails if the bytes are not a pickle of such a dictionary, if they are damaged, or if the pickle
/// has anything but plain data and arrays.
pub fn read_cifar_python(bytes: &[u8]) -> Result<CifarPython> {
    let (values, dictionary) = pickle::read(bytes)?;
    let entry = |keys: [&str; 2]| keys.iter().find_map(|key| values.entry(dictionary, key));
    if let Some(names) = entry(["fine_label_names", "label_names"]) {
        let names = values.items(names).context("the names of the classes are damaged")?;
        let name = |id: &Id| values.text(*id).map(str::to_string).context("a name is not a text");
        return Ok(CifarPython::Names(names.iter().map(name).collect::<Result<_>>()?));
    }
    let (Some(data), Some(labels)) =
        (values.entry(dictionary, "data"), entry(["fine_labels", "labels"]))
    else {
        bail!(
            "the pickle has no entries `data` and `labels`, as files of CIFAR's Python version do"
        )
    };
    let images = batch_images(array(&values, data)?)?;
    let labels = batch_labels(&values, labels)?;
    ensure!(
        images.len() == labels.len(),
        "there are {} images but {} labels",
        images.len(),
        labels.len()
    );
    Ok(CifarPython::Batch { images, labels })
}

fn array(values: &Values, id: Id) -> Result<Array> {
    let Value::Array(Some(parts)) = values.get(id) else {
        bail!("the entry `data` is not an array")
    };
    let bytes = match values.get(parts.bytes) {
        Value::Bytes(bytes) => bytes,
        _ => bail!("the elements of an array are damaged"),
    };
    Array::from_bytes(parts.kind, parts.shape.clone(), parts.fortran_order, bytes)
}

fn batch_images(mut array: Array) -> Result<ImageArray> {
    if let [count, pixels] = array.shape[..] {
        ensure!(pixels == 3 * SIDE * SIDE, "an image has {pixels} bytes, not 3072");
        array.shape = vec![count, 3, SIDE, SIDE];
    }
    images(array, ChannelOrder::First)
}

fn batch_labels(values: &Values, id: Id) -> Result<Vec<i64>> {
    if let Value::Array(Some(_)) = values.get(id) {
        return match array(values, id)?.elements {
            Elements::Bytes(bytes) => Ok(bytes.into_iter().map(i64::from).collect()),
            Elements::Integers(numbers) => Ok(numbers),
            Elements::Texts(_) => bail!("the labels are texts"),
        };
    }
    let labels = values.items(id).context("the labels are not a list")?;
    let number = |id: &Id| values.integer(*id).context("a label is not a whole number");
    labels.iter().map(number).collect()
}
