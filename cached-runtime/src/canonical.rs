//! One byte string per value: the calls a value makes to serde, written down.
//!
//! Two uses. A `|hash` place hashes these bytes, since JSON would give `None` and `Some(())` one text and a
//! `HashMap` a different text each time. And the codec compares the bytes of a value with those of what it decodes
//! back, since `PartialEq` cannot be asked of users' types.

use std::fmt::Display;

use serde::ser::{self, Serialize};

/// Whether the order of a sequence is part of the value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// For keys: `[1, 2]` is not `[2, 1]`.
    Kept,
    /// For comparing a value with its own copy: a `HashSet` lists itself differently after decoding.
    Ignored,
}

/// The canonical bytes of `value`; `None` where its `Serialize` fails.
pub(crate) fn canonical<T: Serialize + ?Sized>(value: &T, order: Order) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(128);
    value.serialize(Writer { out: &mut out, order }).ok()?;
    Some(out)
}

/// The first canonical byte of `None`.
pub(crate) const NONE: u8 = b'n';
/// The first two canonical bytes of a newtype variant with index 1, as `Err` is.
pub(crate) const SECOND_VARIANT: [u8; 2] = [b'v', 1];

const END: u8 = 0xFF;

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    order: Order,
}

impl Writer<'_> {
    fn tagged(self, tag: u8, bytes: &[u8]) -> Result<(), Refused> {
        self.out.push(tag);
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn text(out: &mut Vec<u8>, text: &[u8]) {
        out.extend_from_slice(&(text.len() as u64).to_le_bytes());
        out.extend_from_slice(text);
    }

    fn variant(&mut self, tag: u8, index: u32, name: &str) {
        self.out.push(tag);
        self.out.extend_from_slice(&index.to_le_bytes());
        Self::text(self.out, name.as_bytes());
    }
}

/// Sequences and maps: items are encoded apart where their order does not count.
struct Items<'o> {
    out: &'o mut Vec<u8>,
    order: Order,
    sorted: Option<Vec<Vec<u8>>>,
}

impl<'o> Items<'o> {
    fn open(writer: Writer<'o>, sorted: bool) -> Self {
        Self { out: writer.out, order: writer.order, sorted: sorted.then(Vec::new) }
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Refused> {
        let order = self.order;
        match &mut self.sorted {
            None => item.serialize(Writer { out: self.out, order }),
            Some(items) => {
                let mut bytes = Vec::new();
                item.serialize(Writer { out: &mut bytes, order })?;
                items.push(bytes);
                Ok(())
            }
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refused> {
        Writer::text(self.out, name.as_bytes());
        value.serialize(Writer { out: self.out, order: self.order })
    }

    fn close(self) -> Result<(), Refused> {
        if let Some(mut items) = self.sorted {
            items.sort_unstable();
            for item in items {
                self.out.extend_from_slice(&item);
            }
        }
        self.out.push(END);
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty, $tag:literal;)*) => {$(
        fn $method(self, v: $type) -> Result<(), Refused> {
            self.tagged($tag, &v.to_le_bytes())
        }
    )*};
}

impl<'o> ser::Serializer for Writer<'o> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Items<'o>;
    type SerializeTuple = Items<'o>;
    type SerializeTupleStruct = Items<'o>;
    type SerializeTupleVariant = Items<'o>;
    type SerializeMap = Items<'o>;
    type SerializeStruct = Items<'o>;
    type SerializeStructVariant = Items<'o>;

    numbers! {
        serialize_i8 i8, b'0'; serialize_i16 i16, b'1'; serialize_i32 i32, b'2'; serialize_i64 i64, b'3';
        serialize_i128 i128, b'4'; serialize_u8 u8, b'5'; serialize_u16 u16, b'6'; serialize_u32 u32, b'7';
        serialize_u64 u64, b'8'; serialize_u128 u128, b'9'; serialize_f32 f32, b'f'; serialize_f64 f64, b'F';
    }

    fn serialize_bool(self, v: bool) -> Result<(), Refused> {
        self.tagged(b'b', &[u8::from(v)])
    }

    fn serialize_char(self, v: char) -> Result<(), Refused> {
        self.tagged(b'c', &u32::from(v).to_le_bytes())
    }

    fn serialize_str(self, v: &str) -> Result<(), Refused> {
        self.out.push(b't');
        Self::text(self.out, v.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Refused> {
        self.out.push(b'y');
        Self::text(self.out, v);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.tagged(NONE, &[])
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.out.push(b'o');
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.tagged(b'u', &[])
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Refused> {
        self.out.push(b'U');
        Self::text(self.out, name.as_bytes());
        Ok(())
    }

    fn serialize_unit_variant(mut self, _: &'static str, index: u32, name: &'static str) -> Result<(), Refused> {
        self.variant(b'e', index, name);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Refused> {
        self.out.push(b'N');
        Self::text(self.out, name.as_bytes());
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.variant(b'v', index, name);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'o>, Refused> {
        self.out.push(b's');
        let sorted = self.order == Order::Ignored;
        Ok(Items::open(self, sorted))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'o>, Refused> {
        self.out.push(b'p');
        Ok(Items::open(self, false))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Items<'o>, Refused> {
        self.out.push(b'P');
        Self::text(self.out, name.as_bytes());
        Ok(Items::open(self, false))
    }

    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items<'o>, Refused> {
        self.variant(b'V', index, name);
        Ok(Items::open(self, false))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'o>, Refused> {
        self.out.push(b'm');
        Ok(Items::open(self, true))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Items<'o>, Refused> {
        self.out.push(b'S');
        Self::text(self.out, name.as_bytes());
        Ok(Items::open(self, false))
    }

    fn serialize_struct_variant(
        mut self,
        _: &'static str,
        index: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items<'o>, Refused> {
        self.variant(b'W', index, name);
        Ok(Items::open(self, false))
    }

    /// As JSON is: types such as `Uuid` choose their form by it.
    fn is_human_readable(&self) -> bool {
        true
    }
}

macro_rules! items {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = Refused;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.item(value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let order = self.order;
        let entry = self.sorted.as_mut().and_then(|entries| entries.last_mut()).ok_or(Refused)?;
        value.serialize(Writer { out: entry, order })
    }

    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Refused> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Refused> {
                self.close()
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

/// A value's own `Serialize` gave up.
#[derive(Debug)]
pub(crate) struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the value refused to be serialized")
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(_: T) -> Self {
        Refused
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn kept<T: Serialize>(value: T) -> Vec<u8> {
        canonical(&value, Order::Kept).unwrap()
    }

    #[test]
    fn values_that_json_confuses_differ() {
        assert_ne!(kept(None::<Option<u8>>), kept(Some(None::<u8>)));
        assert_ne!(kept(None::<()>), kept(()));
        assert_ne!(kept(f64::NAN), kept(None::<f64>));
        assert_ne!(kept(1_i32), kept(1_i64));
        assert_ne!(kept(("a", "bc")), kept(("ab", "c")));
        assert_ne!(kept(vec![vec![1], vec![]]), kept(vec![vec![], vec![1]]));
    }

    #[test]
    fn maps_have_one_form_whatever_their_order() {
        let one: HashMap<u32, &str> = (0..50).map(|n| (n, "x")).collect();
        let two: HashMap<u32, &str> = (0..50).rev().map(|n| (n, "x")).collect();
        assert_eq!(kept(&one), kept(&two));
    }

    #[test]
    fn the_order_of_a_sequence_counts_only_where_asked() {
        assert_ne!(kept([1, 2].as_slice()), kept([2, 1].as_slice()));
        let one: HashSet<u32> = (0..50).collect();
        let two: HashSet<u32> = (0..50).rev().collect();
        assert_eq!(canonical(&one, Order::Ignored), canonical(&two, Order::Ignored));
    }
}
