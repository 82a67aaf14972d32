//! Values that are looked up when they are needed first.

/// A value that is looked up once.
#[derive(Debug, Clone, Default)]
pub(super) enum Lookup<T> {
    /// It was not looked up yet.
    #[default]
    Pending,
    /// It was looked up; none where there is none.
    Done(Option<T>),
}
