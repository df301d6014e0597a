//! The guide's code is compiled and run with the documentation's: each page that has some stands above an item here.

macro_rules! pages {
    ($($page:ident $path:literal)*) => {$(
        #[doc = include_str!(concat!("../../guide/src", $path))]
        pub struct $page;
    )*};
}

pages! {
    Freshness "/freshness.md"
    FromByHand "/from-by-hand.md"
    Introduction "/introduction.md"
    Keys "/keys.md"
    Local "/local.md"
    Misses "/misses.md"
    NothingOld "/nothing-old.md"
    OneLoad "/one-load.md"
    Operating "/operating.md"
    RedisAway "/redis-away.md"
    Seeing "/seeing.md"
    Testing "/testing.md"
    Transactions "/transactions.md"
    Values "/values.md"
    WriteBehind "/write-behind.md"
    Writing "/writing.md"
}
