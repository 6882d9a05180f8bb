//! The protections that a test may switch off to show what each one is for.
//!
//! Outside the `testing` feature there is no way to make anything but [`Protections::ALL`].

/// Which protections are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protections {
    /// The same Entry offered again gets its first receipt instead of a second place.
    pub(crate) dedupe: bool,
    /// Nothing is acknowledged or passed on before it survives a power cut.
    pub(crate) durable_before_ack: bool,
}

impl Protections {
    /// Every protection, as always outside tests.
    pub const ALL: Self = Self { dedupe: true, durable_before_ack: true };

    /// Orders an Entry again each time it is offered.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn without_dedupe(self) -> Self {
        Self { dedupe: false, ..self }
    }

    /// Acknowledges what a power cut can still take back.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn without_durable_before_ack(self) -> Self {
        Self { durable_before_ack: false, ..self }
    }
}

impl Default for Protections {
    fn default() -> Self {
        Self::ALL
    }
}
