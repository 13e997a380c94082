//! Images and labels from arrays.

use super::array::Array;
use super::elements::Elements;
use anyhow::{Context, Result, bail, ensure};

/// Images of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageArray {
    /// Channels: 1 or 3.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Pixels of all images, one image after the other: channels, rows, columns.
    pub pixels: Vec<u8>,
}

/// Labels of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// Numbers.
    Numbers(Vec<i64>),
    /// Names of classes.
    Names(Vec<String>),
}

/// Where the channels of an array with four axes are if two axes could be them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Before rows and columns.
    First,
    /// After rows and columns.
    Last,
}

impl ImageArray {
    /// Returns the number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / (self.channels * self.height * self.width)
    }

    /// Returns whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }
}

/// Returns the images of an array of images, rows and columns, with channels in fourth place or
/// second.
///
/// # Errors
/// Fails if the array has another shape or numbers outside 0 to 255.
pub fn images(array: Array, usual: ChannelOrder) -> Result<ImageArray> {
    let is_channels = |size: usize| size == 1 || size == 3;
    let (order, channels, height, width) = match array.shape[..] {
        [_, height, width] => (ChannelOrder::First, 1, height, width),
        [_, first, second, third] => match (is_channels(first), is_channels(third), usual) {
            (true, false, _) | (true, true, ChannelOrder::First) => {
                (ChannelOrder::First, first, second, third)
            }
            (false, true, _) | (true, true, ChannelOrder::Last) => {
                (ChannelOrder::Last, third, first, second)
            }
            (false, false, _) => bail!(
                "its shape is {:?}, but images have 1 or 3 channels, in the last place or before rows and columns",
                array.shape
            ),
        },
        ref shape => bail!(
            "its shape is {shape:?}, but images take (images, rows, columns) or (images, rows, columns, channels): \
             save array.reshape(-1, rows, columns)"
        ),
    };
    ensure!(height > 0 && width > 0, "its images have no pixels");
    let pixels = array.into_bytes()?;
    let pixels = match order {
        ChannelOrder::First => pixels,
        ChannelOrder::Last => planes(&pixels, channels, height * width),
    };
    Ok(ImageArray { channels, height, width, pixels })
}

/// Returns images with channels in the last place as planes.
fn planes(pixels: &[u8], channels: usize, plane: usize) -> Vec<u8> {
    if channels == 1 {
        return pixels.to_vec();
    }
    let image = |image: &[u8]| -> Vec<u8> {
        (0..channels).flat_map(|c| image.iter().skip(c).step_by(channels).copied()).collect()
    };
    pixels.chunks_exact(channels * plane).flat_map(image).collect()
}

/// Returns the labels of an array of `images` labels, one for each image.
///
/// # Errors
/// Fails if there are not as many labels as images.
pub fn labels(array: Array, images: usize) -> Result<Labels> {
    let count = *array.shape.first().context("it is a single number, not a list of labels")?;
    let others: usize = array.shape[1..].iter().product();
    ensure!(
        others == 1 || count == 0,
        "its shape is {:?}, but labels are one number for each image (of one-hot labels, save array.argmax(axis=1))",
        array.shape
    );
    ensure!(count == images, "there are {images} images but {count} labels");
    Ok(match array.elements {
        Elements::Bytes(bytes) => Labels::Numbers(bytes.into_iter().map(i64::from).collect()),
        Elements::Integers(numbers) => Labels::Numbers(numbers),
        Elements::Texts(texts) => Labels::Names(texts),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize]) -> Array {
        let count: usize = shape.iter().product();
        let elements = Elements::Bytes((0..count).map(|i| i as u8).collect());
        Array { shape: shape.to_vec(), elements }
    }

    #[test]
    fn channels_are_found_in_either_place() {
        let last = images(array(&[1, 2, 2, 3]), ChannelOrder::Last).unwrap();
        assert_eq!((last.channels, last.height, last.width), (3, 2, 2));
        assert_eq!(last.pixels, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        let first = images(array(&[2, 3, 2, 2]), ChannelOrder::Last).unwrap();
        assert_eq!((first.channels, first.len()), (3, 2));
        assert_eq!(first.pixels[..5], [0, 1, 2, 3, 4]);
        let grey = images(array(&[2, 4, 5, 1]), ChannelOrder::First).unwrap();
        assert_eq!((grey.channels, grey.height, grey.width), (1, 4, 5));
        for (order, shape) in [(ChannelOrder::First, (3, 5, 3)), (ChannelOrder::Last, (3, 3, 5))] {
            let both = images(array(&[2, 3, 5, 3]), order).unwrap();
            assert_eq!((both.channels, both.height, both.width), shape);
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        let error =
            |shape: &[usize]| images(array(shape), ChannelOrder::Last).unwrap_err().to_string();
        assert!(error(&[10, 784]).contains("reshape(-1, rows, columns)"));
        assert!(error(&[2, 4, 4, 4]).contains("1 or 3 channels"));
        assert!(error(&[2, 0, 4]).contains("no pixels"));
        assert_eq!(labels(array(&[3, 1]), 3).unwrap(), Labels::Numbers(vec![0, 1, 2]));
        assert!(labels(array(&[3, 10]), 3).unwrap_err().to_string().contains("one-hot"));
        assert!(labels(array(&[3]), 4).unwrap_err().to_string().contains("4 images but 3 labels"));
        assert!(labels(array(&[]), 1).is_err());
    }
}
