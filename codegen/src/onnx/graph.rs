//! A graph to which operations and constants are added.

use super::proto::{
    AttributeProto, AttributeType, Dimension, FLOAT, INT64, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The operations and constants of a graph so far.
#[derive(Default)]
pub(super) struct GraphBuilder {
    /// Operations, each after those that it depends on.
    pub(super) nodes: Vec<NodeProto>,
    /// Constants.
    pub(super) initializers: Vec<TensorProto>,
}

impl GraphBuilder {
    /// Adds an operation, which is named after its output tensor.
    pub(super) fn push(
        &mut self,
        operator: &str,
        output: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.to_string()],
            name: output.to_string(),
            op_type: operator.to_string(),
            attribute,
            domain: String::new(),
        });
    }

    /// Adds a constant of f32, unless an earlier node has added it.
    pub(super) fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        let raw_data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, FLOAT, dims, raw_data);
    }

    /// Adds a list of integers that says how an operation is done.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) {
        let raw_data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, INT64, &[values.len()], raw_data);
    }

    /// Adds a constant of elements in little-endian order, unless an earlier node has added it.
    pub(super) fn constant(
        &mut self,
        name: &str,
        data_type: i32,
        dims: &[usize],
        raw_data: Vec<u8>,
    ) {
        if self.initializers.iter().all(|other| other.name != name) {
            self.initializers.push(TensorProto {
                dims: dims.iter().map(|side| int_of(*side)).collect(),
                data_type,
                name: name.to_string(),
                raw_data,
                ..TensorProto::default()
            });
        }
    }
}

/// Returns an input or output: a batch of tensors with these sides.
pub(super) fn batch_of(name: &str, elem_type: i32, sides: &[usize]) -> ValueInfoProto {
    let batch = Dimension { dim_value: None, dim_param: Some("batch".to_string()) };
    let fixed = |side: &usize| Dimension { dim_value: Some(int_of(*side)), dim_param: None };
    let dim = [batch].into_iter().chain(sides.iter().map(fixed)).collect();
    let tensor_type = TensorTypeProto { elem_type, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.to_string(),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
    }
}

/// Returns a size as i64. Sizes of a network are at most 2^30.
pub(super) fn int_of(size: usize) -> i64 {
    size as i64
}

fn attribute(name: &str, r#type: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_string(), r#type: r#type.into(), ..AttributeProto::default() }
}

/// Returns an attribute of one integer.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, AttributeType::Int) }
}

/// Returns an attribute of several integers.
pub(super) fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { ints, ..attribute(name, AttributeType::Ints) }
}

/// Returns an attribute of one f32.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { f: Some(value as f32), ..attribute(name, AttributeType::Float) }
}
