//! Python's pickles, protocols 0 to 5, as far as plain data and arrays of numbers need.
//!
//! A pickle is a program for a machine with a stack, which can call any function of Python. Here
//! the program only builds values: a few constructors of NumPy are recognised as data, and every
//! other name ends the reading with an error that says it.

use super::pickle_numpy::{build, constructor, reduce};
use super::pickle_values::{Id, Value, Values};
use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;

/// Reads a pickle; returns its values and the last one on the stack.
///
/// # Errors
/// Fails if the bytes are not a whole pickle, or if the pickle uses functions or classes that are
/// not data.
pub(super) fn read(bytes: &[u8]) -> Result<(Values, Id)> {
    let mut machine = Machine { input: Input { rest: bytes }, ..Machine::default() };
    while let Some(operation) = machine.input.rest.split_off_first() {
        if *operation == b'.' {
            let result = machine.pop()?;
            return Ok((machine.values, result));
        }
        machine.execute(*operation)?;
    }
    bail!("the pickle is cut off")
}

/// The bytes that follow.
#[derive(Default)]
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).context("the pickle is cut off")?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes a number of `length` bytes, the least significant one first.
    fn number(&mut self, length: usize) -> Result<usize> {
        let bytes = self.take(length)?;
        let number = bytes.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).context("the pickle is damaged")
    }

    /// Takes as many bytes as a number of `length` bytes says.
    fn counted(&mut self, length: usize) -> Result<&'a [u8]> {
        let count = self.number(length)?;
        self.take(count)
    }

    /// Takes the rest of a line.
    fn line(&mut self) -> Result<&'a str> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.context("the pickle is cut off")?)?;
        self.take(1)?;
        std::str::from_utf8(line).context("the pickle is damaged")
    }
}

#[derive(Default)]
struct Machine<'a> {
    input: Input<'a>,
    values: Values,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

impl Machine<'_> {
    fn execute(&mut self, operation: u8) -> Result<()> {
        match operation {
            // PROTO, FRAME
            0x80 => self.input.take(1).map(|_| ()),
            0x95 => self.input.take(8).map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(|_| ()),
            b'1' => self.pop_to_mark().map(|_| ()),
            b'2' => {
                let top = *self.stack.last().context("the pickle is damaged")?;
                self.stack.push(top);
                Ok(())
            }
            b'N' | b'G' | b'F' | 0x88 | 0x89 | b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a => {
                self.number(operation)
            }
            b'S' | b'T' | b'U' | b'B' | b'C' | 0x8e | 0x96 => self.byte_string(operation),
            b'V' | b'X' | 0x8c | 0x8d => self.text(operation),
            b')' | b't' | 0x85..=0x87 | b']' | b'l' | b'e' | b'a' => self.sequence(operation),
            b'}' | b'd' | b's' | b'u' => self.dictionary(operation),
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memoise(operation),
            b'c' | 0x93 | b'R' | b'b' | 0x98 => self.construct(operation),
            _ => bail!(
                "the pickle uses the operation {operation:#04x}, which plain data and arrays of numbers do not need"
            ),
        }
    }

    fn push(&mut self, value: Value) -> Result<()> {
        let id = self.values.add(value)?;
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        ensure!(self.stack.len() > floor, "the pickle is damaged: it takes more than it has");
        self.stack.pop().context("the pickle is damaged")
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().context("the pickle is damaged: there is no mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn number(&mut self, operation: u8) -> Result<()> {
        let value = match operation {
            b'N' => Value::Other,
            b'G' => self.input.take(8).map(|_| Value::Other)?,
            b'F' => self.input.line().map(|_| Value::Other)?,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'I' => match self.input.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                digits => integer(digits)?,
            },
            b'L' => integer(self.input.line()?.trim_end_matches('L'))?,
            b'J' => {
                let bytes = self.input.take(4)?;
                Value::Integer(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into())
            }
            b'K' => Value::Integer(self.input.number(1)? as i64),
            b'M' => Value::Integer(self.input.number(2)? as i64),
            // LONG1; longer numbers are no labels.
            _ => {
                let bytes = self.input.counted(1)?;
                ensure!(bytes.len() <= 8, "the pickle has a number over 2^63");
                let last = if bytes.last().is_some_and(|last| *last >= 128) { 255 } else { 0 };
                let mut whole = [last; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                Value::Integer(i64::from_le_bytes(whole))
            }
        };
        self.push(value)
    }

    fn byte_string(&mut self, operation: u8) -> Result<()> {
        let bytes = match operation {
            b'S' => python_literal(self.input.line()?)?,
            b'U' | b'C' => self.input.counted(1)?.to_vec(),
            b'T' | b'B' => self.input.counted(4)?.to_vec(),
            _ => self.input.counted(8)?.to_vec(),
        };
        self.push(Value::Bytes(bytes))
    }

    fn text(&mut self, operation: u8) -> Result<()> {
        let bytes = match operation {
            b'V' => return self.raw_text(),
            0x8c => self.input.counted(1)?,
            b'X' => self.input.counted(4)?,
            _ => self.input.counted(8)?,
        };
        // A file name may have half of a surrogate pair.
        self.push(Value::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// Pushes a line of Latin-1 with escapes of other characters.
    fn raw_text(&mut self) -> Result<()> {
        let end = self.input.rest.iter().position(|byte| *byte == b'\n');
        let line = self.input.take(end.context("the pickle is cut off")?)?;
        self.input.take(1)?;
        let latin: String = line.iter().map(|byte| char::from(*byte)).collect();
        self.push(Value::Text(unescaped(&latin, &[('u', 4), ('U', 8)])?))
    }

    fn sequence(&mut self, operation: u8) -> Result<()> {
        match operation {
            b')' => self.push(Value::Tuple(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b't' => self.pop_to_mark().and_then(|items| self.push(Value::Tuple(items))),
            b'l' => self.pop_to_mark().and_then(|items| self.push(Value::List(items))),
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=operation {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Value::Tuple(items))
            }
            _ => {
                let items = if operation == b'e' { self.pop_to_mark()? } else { vec![self.pop()?] };
                match self.top()? {
                    Value::List(list) => list.extend(items),
                    _ => bail!("the pickle is damaged: it appends to what is no list"),
                }
                Ok(())
            }
        }
    }

    fn dictionary(&mut self, operation: u8) -> Result<()> {
        if operation == b'}' {
            return self.push(Value::Dictionary(Vec::new()));
        }
        let items = match operation {
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_to_mark()?,
        };
        ensure!(items.len().is_multiple_of(2), "the pickle is damaged: a key has no value");
        let entries: Vec<(Id, Id)> = items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        if operation == b'd' {
            return self.push(Value::Dictionary(entries));
        }
        match self.top()? {
            Value::Dictionary(dictionary) => dictionary.extend(entries),
            _ => bail!("the pickle is damaged: it adds an entry to what is no dictionary"),
        }
        Ok(())
    }

    fn top(&mut self) -> Result<&mut Value> {
        let floor = self.marks.last().copied().unwrap_or(0);
        ensure!(self.stack.len() > floor, "the pickle is damaged: it takes more than it has");
        let id = *self.stack.last().context("the pickle is damaged")?;
        Ok(self.values.get_mut(id))
    }

    fn memoise(&mut self, operation: u8) -> Result<()> {
        let key = match operation {
            b'p' | b'g' => self.input.line()?.parse().context("the pickle is damaged")?,
            b'q' | b'h' => self.input.number(1)?,
            b'r' | b'j' => self.input.number(4)?,
            _ => self.memo.len(),
        };
        match operation {
            b'g' | b'h' | b'j' => {
                let id = self.memo.get(&key).context("the pickle is damaged: no such memo")?;
                self.stack.push(*id);
            }
            _ => {
                let id = *self.stack.last().context("the pickle is damaged")?;
                self.memo.insert(key, id);
            }
        }
        Ok(())
    }

    fn construct(&mut self, operation: u8) -> Result<()> {
        match operation {
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                let constructor = constructor(module, name)?;
                self.push(Value::Constructor(constructor))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id| self.values.text(id).context("the pickle is damaged");
                let constructor = constructor(text(module)?, text(name)?)?;
                self.push(Value::Constructor(constructor))
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let value = reduce(&self.values, function, arguments)?;
                self.push(value)
            }
            b'b' => {
                let state = self.pop()?;
                let object = *self.stack.last().context("the pickle is damaged")?;
                build(&mut self.values, object, state)
            }
            // READONLY_BUFFER
            _ => Ok(()),
        }
    }
}

fn integer(digits: &str) -> Result<Value> {
    Ok(Value::Integer(digits.parse().context("the pickle has a number that is not an integer")?))
}

/// Returns the bytes of a text in Python's notation, such as `'a\x00'`.
fn python_literal(line: &str) -> Result<Vec<u8>> {
    let inner = ['\'', '"']
        .into_iter()
        .find_map(|quote| line.strip_prefix(quote)?.strip_suffix(quote))
        .context("the pickle is damaged: a text without quotes")?;
    let text = unescaped(inner, &[('x', 2)])?;
    let byte = |c: char| u8::try_from(c).ok().context("the pickle is damaged: a wide character");
    text.chars().map(byte).collect()
}

/// Replaces escapes: those of Python's texts if `\x` is among `codes`, which have the letters and
/// the numbers of hexadecimal digits.
fn unescaped(text: &str, codes: &[(char, usize)]) -> Result<String> {
    let simple: &[(char, char)] = if codes[0].0 == 'x' {
        &[('n', '\n'), ('r', '\r'), ('t', '\t'), ('\\', '\\'), ('\'', '\''), ('"', '"')]
    } else {
        &[]
    };
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        result.push_str(before);
        let mut following = after.chars();
        let letter = following.next();
        let digits = codes.iter().find(|(code, _)| Some(*code) == letter).map(|(_, count)| *count);
        if let Some(count) = digits {
            let (digits, behind) =
                following.as_str().split_at_checked(count).context("the pickle is damaged")?;
            let code = u32::from_str_radix(digits, 16).ok();
            result.push(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = behind;
        } else if let Some((_, meaning)) = simple.iter().find(|(code, _)| Some(*code) == letter) {
            result.push(*meaning);
            rest = following.as_str();
        } else {
            result.push('\\');
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}
