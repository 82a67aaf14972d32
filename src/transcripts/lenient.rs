//! JSON values as transcripts have them: a value of another kind than expected counts as absent, so
//! that one odd field costs no line.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
    value::MapAccessDeserializer,
};
use serde_json::value::RawValue;

use crate::base::money::Money;

/// A text where a text is expected; any other value is as good as none.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Text<'a>(pub(crate) Option<Cow<'a, str>>);

/// An object of the expected kind; any other value is as good as none.
#[derive(Debug, PartialEq)]
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

/// A counter: absent, null and 0 are the same.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) enum Count {
    /// There is none.
    #[default]
    None,
    /// A whole number that is not negative.
    Some(u64),
    /// Any other number, or another value.
    Bad,
}

/// A JSON array of objects; elements of other kinds are passed over.
#[derive(Debug, PartialEq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// A boolean.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Flag(pub(crate) bool);

/// An amount of dollars.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Dollars(pub(crate) Option<Money>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Text<'_> {
    /// The text.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Visits any JSON value; each kind that a type does not override is passed over and gives its
/// default.
macro_rules! lenient {
    ($lifetime:lifetime, $type:ty, [$($generic:tt)*], { $($own:tt)* }) => {
        impl<$($generic)*> Deserialize<$lifetime> for $type {
            fn deserialize<D: Deserializer<$lifetime>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Lenient::<$type>(PhantomData))
            }
        }
        impl<$($generic)*> Visitor<$lifetime> for Lenient<$type> {
            type Value = $type;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("any value")
            }
            $($own)*
        }
    };
}

struct Lenient<T>(PhantomData<T>);

macro_rules! pass_over {
    ($lifetime:lifetime: $($kind:ident)*) => { $(pass_over!(@ $lifetime $kind);)* };
    (@ $l:lifetime unit) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Default::default()) } };
    (@ $l:lifetime bool) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok(Default::default()) } };
    (@ $l:lifetime str) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok(Default::default()) } };
    (@ $l:lifetime seq) => { fn visit_seq<A: SeqAccess<$l>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Default::default())
    } };
    // Numbers arrive as maps: serde_json hands them over as their digits.
    (@ $l:lifetime map) => { fn visit_map<A: MapAccess<$l>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Default::default())
    } };
    (@ $l:lifetime numbers) => {
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok(Default::default()) }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok(Default::default()) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok(Default::default()) }
    };
}

lenient!('de, Text<'a>, ['de: 'a, 'a], {
    pass_over!('de: unit bool numbers seq map);
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> { Ok(Text(Some(Cow::Borrowed(text)))) }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> { Ok(Text(Some(Cow::Owned(text.to_owned())))) }
});

lenient!('de, Flag, ['de], {
    pass_over!('de: unit str numbers seq map);
    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> { Ok(Flag(flag)) }
});

lenient!('de, Maybe<T>, ['de, T: Deserialize<'de>], {
    pass_over!('de: unit bool str numbers seq);
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Maybe(Some(value)))
    }
});

lenient!('de, List<T>, ['de, T: Deserialize<'de>], {
    pass_over!('de: unit bool str numbers map);
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Maybe<T>>()? {
            items.extend(item.0);
        }
        Ok(List(items))
    }
});

/// A number's text, borrowed from the line; none for a value of any other kind. Numbers are read
/// from their text because floats would round them, and an allocation for each would cost more than
/// all the rest of the line.
fn number(raw: &RawValue) -> Option<&str> {
    Some(raw.get()).filter(|text| text.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(match number(raw) {
            Some(digits) => digits.parse().map_or(Self::Bad, Self::Some),
            None if raw.get() == "null" => Self::None,
            // A figure that is there but no number must not count as none.
            None => Self::Bad,
        })
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(number(raw).and_then(Money::parse)))
    }
}
