//! The types that are key parts.

use std::borrow::Cow;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use super::{KeyPart, KeyWriter};

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl KeyPart for $int {
            #[inline]
            fn write(&self, key: &mut KeyWriter) {
                let mut digits = itoa::Buffer::new();
                key.digits(digits.format(*self));
            }
        }

        impl KeyPart for NonZero<$int> {
            fn write(&self, key: &mut KeyWriter) {
                self.get().write(key);
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

impl KeyPart for bool {
    fn write(&self, key: &mut KeyWriter) {
        key.escaped(if *self { "true" } else { "false" });
    }
}

impl KeyPart for char {
    fn write(&self, key: &mut KeyWriter) {
        key.escaped(self.encode_utf8(&mut [0; 4]));
    }
}

impl KeyPart for str {
    #[inline]
    fn write(&self, key: &mut KeyWriter) {
        key.escaped(self);
    }
}

impl KeyPart for String {
    #[inline]
    fn write(&self, key: &mut KeyWriter) {
        key.escaped(self);
    }
}

impl<K: KeyPart> KeyPart for Option<K> {
    fn write(&self, key: &mut KeyWriter) {
        key.optional(self.as_ref());
    }
}

impl<K: KeyPart> KeyPart for [K] {
    fn write(&self, key: &mut KeyWriter) {
        key.sequence(self);
    }
}

impl<K: KeyPart, const N: usize> KeyPart for [K; N] {
    fn write(&self, key: &mut KeyWriter) {
        key.sequence(self);
    }
}

impl<K: KeyPart> KeyPart for Vec<K> {
    fn write(&self, key: &mut KeyWriter) {
        key.sequence(self);
    }
}

macro_rules! pointers {
    ($($pointer:ty)*) => {$(
        impl<K: KeyPart + ?Sized> KeyPart for $pointer {
            #[inline]
            fn write(&self, key: &mut KeyWriter) {
                (**self).write(key);
            }
        }
    )*};
}

pointers!(&K &mut K Box<K> Rc<K> Arc<K>);

impl<K: KeyPart + ToOwned + ?Sized> KeyPart for Cow<'_, K> {
    fn write(&self, key: &mut KeyWriter) {
        (**self).write(key);
    }
}

macro_rules! tuples {
    ($(($($name:ident)+))*) => {$(
        impl<$($name: KeyPart),+> KeyPart for ($($name,)+) {
            #[allow(non_snake_case, reason = "one name serves as type and binding")]
            fn write(&self, key: &mut KeyWriter) {
                let ($($name,)+) = self;
                key.mark('(');
                $(
                    $name.write(key);
                    key.mark(',');
                )+
                key.mark(')');
            }
        }
    )*};
}

tuples!((A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E F)(A B C D E F G)(A B C D E F G H));

/// Types whose text form is one to one.
macro_rules! displayed {
    ($format:literal: $($type:ty)*) => {$(
        impl KeyPart for $type {
            fn write(&self, key: &mut KeyWriter) {
                key.escaped(&format!($format, self));
            }
        }
    )*};
}

displayed!("{}": std::net::IpAddr std::net::Ipv4Addr std::net::Ipv6Addr);

#[cfg(feature = "uuid")]
displayed!("{}": uuid::Uuid);

#[cfg(feature = "time")]
displayed!("{}": time::Date time::Time time::PrimitiveDateTime time::OffsetDateTime);

// `Debug` of these is RFC 3339, without the spaces of `Display`.
#[cfg(feature = "chrono")]
displayed!("{:?}": chrono::NaiveDate chrono::NaiveTime chrono::NaiveDateTime);

#[cfg(feature = "chrono")]
impl<Tz: chrono::TimeZone> KeyPart for chrono::DateTime<Tz> {
    fn write(&self, key: &mut KeyWriter) {
        // Not its own text: two zones may print their offsets alike, as `CST` does for Chicago and Shanghai.
        let offset = chrono::Offset::fix(self.offset());
        key.escaped(&format!("{:?}{offset:?}", self.naive_utc()));
    }
}
