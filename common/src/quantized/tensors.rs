//! The file of integer parameters, `quantized.safetensors`.
//!
//! `input.zero_point` (u8) has a byte for each channel of the image. A step `s` has
//!
//! - as a table: `s.factor` and, for a sum, `s.second_factor`, `s.offset` (i16, one per channel),
//!   `s.shift` and `s.zero_point` (u8, one element), `s.table` (u8, 256);
//! - as a convolution or classifier: `s.weight` (i8, in PyTorch's layout), `s.bias` and
//!   `s.multiplier` (i32, one per filter).

use super::parameters::{Filters, Parameters, Sizes, StepParameters, TABLE, Table};
use super::plan::{IMAGE, Plan};
use anyhow::{Context, Result, bail, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;

const FACTORS: [&str; 2] = ["factor", "second_factor"];
const IMAGE_ZERO_POINTS: &str = "input.zero_point";

/// The tensors of a file, by name.
struct Tensors(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Parameters {
    /// Returns the bytes of the safetensors file. Equal parameters have equal bytes.
    ///
    /// # Errors
    /// Fails if a size does not match its data.
    pub fn to_bytes(&self, plan: &Plan) -> Result<Vec<u8>> {
        let mut tensors = Tensors(BTreeMap::new());
        tensors.add(IMAGE_ZERO_POINTS, Dtype::U8, None, self.image_zero_points.clone());
        for (step, parameters) in plan.steps.iter().zip(&self.steps) {
            match parameters {
                StepParameters::Table(table) => tensors.add_table(&step.name, table),
                StepParameters::Filters(found) => {
                    if let Sizes::Filters { filters, filter } = step.sizes(plan) {
                        tensors.add_filters(&step.name, [vec![filters], filter].concat(), found);
                    }
                }
                StepParameters::None => {}
            }
        }
        let views = tensors.0.iter().map(|(name, (dtype, shape, bytes))| {
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?))
        });
        Ok(safetensors::serialize(views.collect::<Result<Vec<_>>>()?, None)?)
    }

    /// Reads the parameters of `plan` and checks them.
    ///
    /// # Errors
    /// Fails with the name of a tensor that is missing, wrong or superfluous, or if the file is
    /// damaged.
    pub fn from_bytes(bytes: &[u8], plan: &Plan) -> Result<Parameters> {
        let file = SafeTensors::deserialize(bytes).context("not a valid safetensors file")?;
        let tensor = |(name, view): (&str, TensorView)| {
            (name.to_string(), (view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        };
        let mut tensors = Tensors(file.iter().map(tensor).collect());
        let channels = plan.values[IMAGE].shape.channels;
        let image_zero_points = tensors.take(IMAGE_ZERO_POINTS, Dtype::U8, &[channels])?;
        let steps = plan.steps.iter().map(|step| match step.sizes(plan) {
            Sizes::Table { operands, channels } => {
                tensors.take_table(&step.name, operands, channels).map(StepParameters::Table)
            }
            Sizes::Filters { filters, filter } => tensors
                .take_filters(&step.name, &[vec![filters], filter].concat())
                .map(StepParameters::Filters),
            Sizes::None => Ok(StepParameters::None),
        });
        let steps = steps.collect::<Result<_>>()?;
        if let Some(name) = tensors.0.keys().next() {
            bail!("the tensor {name} does not belong to the network");
        }
        let parameters = Parameters { image_zero_points, steps };
        parameters.check(plan)?;
        Ok(parameters)
    }
}

impl Tensors {
    /// Adds a tensor; without a shape it has one dimension.
    fn add(&mut self, name: &str, dtype: Dtype, shape: Option<Vec<usize>>, bytes: Vec<u8>) {
        let shape = shape.unwrap_or_else(|| vec![bytes.len() * 8 / dtype.bitsize()]);
        self.0.insert(name.to_string(), (dtype, shape, bytes));
    }

    fn add_table(&mut self, step: &str, table: &Table) {
        let of = |what: &str| format!("{step}.{what}");
        for (name, factors) in FACTORS.iter().zip(&table.factors) {
            self.add(&of(name), Dtype::I16, None, bytes_of_i16(factors));
        }
        self.add(&of("offset"), Dtype::I16, None, bytes_of_i16(&table.offsets));
        self.add(&of("shift"), Dtype::U8, None, vec![table.shift]);
        self.add(&of("zero_point"), Dtype::U8, None, vec![table.zero_point]);
        self.add(&of("table"), Dtype::U8, None, table.table.to_vec());
    }

    fn add_filters(&mut self, step: &str, shape: Vec<usize>, filters: &Filters) {
        let of = |what: &str| format!("{step}.{what}");
        let i32s = |numbers: &[i32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let weights = filters.weights.iter().map(|weight| *weight as u8).collect();
        self.add(&of("weight"), Dtype::I8, Some(shape), weights);
        self.add(&of("bias"), Dtype::I32, None, i32s(&filters.biases));
        self.add(&of("multiplier"), Dtype::I32, None, i32s(&filters.multipliers));
    }

    /// Removes a tensor and returns its bytes.
    fn take(&mut self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<Vec<u8>> {
        let Some((found, found_shape, bytes)) = self.0.remove(name) else {
            bail!("the tensor {name} is missing")
        };
        ensure!(
            found == dtype && found_shape == shape,
            "the tensor {name} is {found:?} of the shape {found_shape:?}, but the network needs \
             {dtype:?} of the shape {shape:?}"
        );
        Ok(bytes)
    }

    fn take_table(&mut self, step: &str, operands: usize, channels: usize) -> Result<Table> {
        let mut take =
            |what: &str, dtype, size| self.take(&format!("{step}.{what}"), dtype, &[size]);
        let mut factors = Vec::with_capacity(operands);
        for name in &FACTORS[..operands] {
            factors.push(i16s_of(&take(name, Dtype::I16, channels)?));
        }
        Ok(Table {
            factors,
            offsets: i16s_of(&take("offset", Dtype::I16, channels)?),
            shift: take("shift", Dtype::U8, 1)?[0],
            zero_point: take("zero_point", Dtype::U8, 1)?[0],
            table: Box::new(take("table", Dtype::U8, TABLE)?.try_into().unwrap_or([0; TABLE])),
        })
    }

    fn take_filters(&mut self, step: &str, shape: &[usize]) -> Result<Filters> {
        let mut take =
            |what: &str, dtype, shape: &[usize]| self.take(&format!("{step}.{what}"), dtype, shape);
        let weights = take("weight", Dtype::I8, shape)?;
        Ok(Filters {
            weights: weights.into_iter().map(|byte| byte as i8).collect(),
            biases: i32s_of(&take("bias", Dtype::I32, &shape[..1])?),
            multipliers: i32s_of(&take("multiplier", Dtype::I32, &shape[..1])?),
        })
    }
}

fn bytes_of_i16(numbers: &[i16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn i16s_of(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

fn i32s_of(bytes: &[u8]) -> Vec<i32> {
    bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}
