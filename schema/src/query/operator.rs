//! The comparison operators and their spellings.

/// What an operator asks; the value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    StartsWith,
    EndsWith,
    Contains,
    In,
    Between,
}

impl Comparison {
    /// Whether it asks for an order, so that a bare date means an instant of that day.
    pub(super) fn orders(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual | Self::Between)
    }

    /// Whether it looks into a text.
    pub(super) fn looks_inside(self) -> bool {
        matches!(self, Self::StartsWith | Self::EndsWith | Self::Contains)
    }
}

/// How it was written, which decides how the value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `=`, `!=`, `<` …: the value is literal.
    Plain,
    /// `==`: a type prefix and a closing `*` count.
    Double,
    /// `=op=`: a type prefix counts.
    Named,
}

/// An operator as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) comparison: Comparison,
    pub(super) negated: bool,
    pub(super) spelling: Spelling,
}

impl Operator {
    pub(super) const fn plain(comparison: Comparison, negated: bool) -> Self {
        Self { comparison, negated, spelling: Spelling::Plain }
    }

    /// The operator between the two `=` of `a=name=v`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (positive, negated) = match name {
            "ne" => ("eq", true),
            _ => match name.strip_prefix("not_") {
                Some(rest) => (rest, true),
                None => (name, false),
            },
        };
        let (_, comparison) = NAMES.into_iter().find(|(known, _)| *known == positive)?;
        Some(Self { comparison, negated, spelling: Spelling::Named })
    }

    /// All names, for suggestions.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().map(|(name, _)| name).chain(["ne", "not_in", "not_ct", "not_sw", "not_ew", "not_between"])
    }
}

const NAMES: [(&str, Comparison); 12] = [
    ("eq", Comparison::Equal),
    ("lt", Comparison::Less),
    ("le", Comparison::LessOrEqual),
    ("lte", Comparison::LessOrEqual),
    ("gt", Comparison::Greater),
    ("ge", Comparison::GreaterOrEqual),
    ("gte", Comparison::GreaterOrEqual),
    ("sw", Comparison::StartsWith),
    ("ew", Comparison::EndsWith),
    ("ct", Comparison::Contains),
    ("in", Comparison::In),
    ("between", Comparison::Between),
];
