//! Counters: the billed figures of a request.

/// The billed figures of one request or of a sum: token counts, and the number of web searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Counters {
    /// Prompt tokens neither written to nor read from the cache.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens written to the cache, of both lifetimes.
    pub cache_creation: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// The part of `cache_creation` that was written for an hour.
    pub cache_1h: u64,
    /// Web searches made by the server.
    pub web_search: u64,
}

impl Counters {
    /// The sum of each figure, saturating.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_creation: self.cache_creation.saturating_add(other.cache_creation),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_1h: self.cache_1h.saturating_add(other.cache_1h),
            web_search: self.web_search.saturating_add(other.web_search),
        }
    }

    /// The difference of each figure, at least 0.
    #[must_use]
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cache_creation: self.cache_creation.saturating_sub(other.cache_creation),
            cache_read: self.cache_read.saturating_sub(other.cache_read),
            cache_1h: self.cache_1h.saturating_sub(other.cache_1h),
            web_search: self.web_search.saturating_sub(other.web_search),
        }
    }

    /// The larger of each figure.
    #[must_use]
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_creation: self.cache_creation.max(other.cache_creation),
            cache_read: self.cache_read.max(other.cache_read),
            cache_1h: self.cache_1h.max(other.cache_1h),
            web_search: self.web_search.max(other.web_search),
        }
    }

    /// The smaller of each figure.
    #[must_use]
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            input: self.input.min(other.input),
            output: self.output.min(other.output),
            cache_creation: self.cache_creation.min(other.cache_creation),
            cache_read: self.cache_read.min(other.cache_read),
            cache_1h: self.cache_1h.min(other.cache_1h),
            web_search: self.web_search.min(other.web_search),
        }
    }

    /// All tokens: input, output, cache writes and cache reads.
    pub(crate) const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// All tokens of the prompt: input, cache writes and cache reads. They select the price tier.
    pub(crate) const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_creation)
            .saturating_add(self.cache_read)
    }
}
