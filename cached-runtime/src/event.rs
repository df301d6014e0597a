//! Events, for people: what has changed, once, and never with a key. Through `log`; with the feature `tracing` through
//! that, which hands them on to `log` as long as nobody has subscribed.

/// Somebody should look at it.
macro_rules! warning {
    ($($what:tt)*) => {{
        #[cfg(feature = "tracing")]
        ::tracing::warn!($($what)*);
        #[cfg(not(feature = "tracing"))]
        ::log::warn!($($what)*);
    }};
}

/// It is over, or nothing to worry about.
macro_rules! notice {
    ($($what:tt)*) => {{
        #[cfg(feature = "tracing")]
        ::tracing::info!($($what)*);
        #[cfg(not(feature = "tracing"))]
        ::log::info!($($what)*);
    }};
}

pub(crate) use {notice, warning};
