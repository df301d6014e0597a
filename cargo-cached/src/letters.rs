//! Which letters a place of a key may hold, by its type. As `KeyPart` writes them: see `key.rs` of the runtime.

/// A set of letters, and whether there may be none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letters {
    /// By ASCII code.
    ascii: u128,
    /// And all others.
    beyond: bool,
    empty: bool,
}

/// What stands for itself in no part: separators, brackets, white space. The rest of them is escaped with `%`.
const NEVER: &str = ":<>{}*?[]";

impl Letters {
    fn among(letters: &str) -> Self {
        let ascii = letters.bytes().filter(u8::is_ascii).fold(0, |set, byte| set | 1 << byte);
        Self { ascii, beyond: false, empty: false }
    }

    pub fn one(letter: char) -> Self {
        let beyond = !letter.is_ascii();
        Self { beyond, ..Self::among(&letter.to_string()) }
    }

    /// Any value at all.
    pub fn any() -> Self {
        let never = (0..=32_u8).chain([127]).fold(Self::among(NEVER).ascii, |set, byte| set | 1 << byte);
        Self { ascii: !never, beyond: true, empty: true }
    }

    pub fn hash() -> Self {
        Self::among("0123456789abcdef")
    }

    /// Of a type by its name; `None` for one that is not known.
    pub fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "NonZeroU32" | "NonZeroU64" => Self::among("0123456789"),
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => Self::among("-0123456789"),
            "bool" => Self::among("truefals01"),
            "Uuid" => Self::among("-0123456789abcdef"),
            _ => return None,
        })
    }

    /// `Option` of it: `~` is `None`.
    pub fn or_none(self) -> Self {
        Self { ascii: self.ascii | Self::among("~").ascii, ..self }
    }

    pub fn may_be_empty(self) -> bool {
        self.empty
    }

    pub fn meet(self, other: Self) -> bool {
        self.ascii & other.ascii != 0 || (self.beyond && other.beyond)
    }
}
