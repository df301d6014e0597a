//! The types of the standard library, and those of other crates behind features, that describe themselves.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, Saturating, Wrapping};
use std::ops::{Bound, Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use super::{CacheSchema, SchemaWriter};

macro_rules! words {
    ($($ty:ty = $word:literal)*) => {$(
        impl CacheSchema for $ty {
            fn describe(schema: &mut SchemaWriter) {
                schema.word($word);
            }
        }
    )*};
}

words! {
    bool = "bool" char = "char" () = "unit"
    i8 = "i8" i16 = "i16" i32 = "i32" i64 = "i64" i128 = "i128" isize = "isize"
    u8 = "u8" u16 = "u16" u32 = "u32" u64 = "u64" u128 = "u128" usize = "usize"
    f32 = "f32" f64 = "f64"
    str = "text" String = "text" Path = "path" PathBuf = "path"
    Duration = "duration" SystemTime = "system time"
    IpAddr = "ip" Ipv4Addr = "ipv4" Ipv6Addr = "ipv6"
    SocketAddr = "socket" SocketAddrV4 = "socket v4" SocketAddrV6 = "socket v6"
}

macro_rules! nonzero {
    ($($int:ty)*) => {$(
        impl CacheSchema for NonZero<$int> {
            fn describe(schema: &mut SchemaWriter) {
                schema.word("not zero");
                <$int>::describe(schema);
            }
        }
    )*};
}

nonzero!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

/// Written as what they hold.
macro_rules! transparent {
    ($($ty:ident)*) => {$(
        impl<T: CacheSchema + ?Sized> CacheSchema for $ty<T> {
            fn describe(schema: &mut SchemaWriter) {
                T::describe(schema);
            }
        }
    )*};
}

impl<T: CacheSchema + ?Sized> CacheSchema for &T {
    fn describe(schema: &mut SchemaWriter) {
        T::describe(schema);
    }
}

transparent!(Box Rc Arc RefCell Mutex RwLock);

macro_rules! transparent_sized {
    ($($ty:ident)*) => {$(
        impl<T: CacheSchema> CacheSchema for $ty<T> {
            fn describe(schema: &mut SchemaWriter) {
                T::describe(schema);
            }
        }
    )*};
}

transparent_sized!(Cell Reverse Wrapping Saturating);

impl<T: CacheSchema + ToOwned + ?Sized> CacheSchema for Cow<'_, T> {
    fn describe(schema: &mut SchemaWriter) {
        T::describe(schema);
    }
}

impl<T: CacheSchema> CacheSchema for Option<T> {
    fn describe(schema: &mut SchemaWriter) {
        schema.option();
        T::describe(schema);
    }
}

impl<T: CacheSchema, E: CacheSchema> CacheSchema for Result<T, E> {
    fn describe(schema: &mut SchemaWriter) {
        schema.word("result");
        T::describe(schema);
        E::describe(schema);
    }
}

impl<T: ?Sized> CacheSchema for PhantomData<T> {
    fn describe(schema: &mut SchemaWriter) {
        schema.word("nothing");
    }
}

macro_rules! of_one {
    ($($ty:ty = $word:literal;)*) => {$(
        impl<T: CacheSchema> CacheSchema for $ty {
            fn describe(schema: &mut SchemaWriter) {
                schema.word($word);
                T::describe(schema);
            }
        }
    )*};
}

of_one! {
    [T] = "list";
    Vec<T> = "list";
    VecDeque<T> = "list";
    LinkedList<T> = "list";
    BinaryHeap<T> = "list";
    BTreeSet<T> = "set";
    Range<T> = "range";
    RangeInclusive<T> = "closed range";
    Bound<T> = "bound";
}

impl<T: CacheSchema, S> CacheSchema for HashSet<T, S> {
    fn describe(schema: &mut SchemaWriter) {
        <BTreeSet<T>>::describe(schema);
    }
}

impl<K: CacheSchema, V: CacheSchema, S> CacheSchema for HashMap<K, V, S> {
    fn describe(schema: &mut SchemaWriter) {
        <BTreeMap<K, V>>::describe(schema);
    }
}

impl<K: CacheSchema, V: CacheSchema> CacheSchema for BTreeMap<K, V> {
    fn describe(schema: &mut SchemaWriter) {
        schema.word("map");
        K::describe(schema);
        V::describe(schema);
    }
}

impl<T: CacheSchema, const N: usize> CacheSchema for [T; N] {
    fn describe(schema: &mut SchemaWriter) {
        schema.word("array");
        schema.word(&N.to_string());
        T::describe(schema);
    }
}

macro_rules! tuples {
    ($($count:literal: $($part:ident)+;)*) => {$(
        impl<$($part: CacheSchema),+> CacheSchema for ($($part,)+) {
            fn describe(schema: &mut SchemaWriter) {
                schema.word(concat!("tuple ", $count));
                $($part::describe(schema);)+
            }
        }
    )*};
}

tuples! {
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
    8: A B C D E F G H;
    9: A B C D E F G H I;
    10: A B C D E F G H I J;
    11: A B C D E F G H I J K;
    12: A B C D E F G H I J K L;
}

#[cfg(feature = "uuid")]
words! { uuid::Uuid = "uuid" }

#[cfg(feature = "time")]
words! {
    time::Date = "date" time::Time = "time" time::PrimitiveDateTime = "date and time" time::UtcDateTime = "utc time"
    time::OffsetDateTime = "offset time" time::UtcOffset = "offset" time::Duration = "time span"
    time::Month = "month" time::Weekday = "weekday"
}

#[cfg(feature = "chrono")]
words! {
    chrono::NaiveDate = "date" chrono::NaiveTime = "time" chrono::NaiveDateTime = "date and time"
    chrono::TimeDelta = "time span" chrono::Month = "month" chrono::Weekday = "weekday"
}

#[cfg(feature = "chrono")]
impl<Z: chrono::TimeZone> CacheSchema for chrono::DateTime<Z> {
    fn describe(schema: &mut SchemaWriter) {
        // serde writes the same of every zone.
        schema.word("time with offset");
    }
}
