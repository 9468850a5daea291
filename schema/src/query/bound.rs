//! The raw value of a condition → a test with typed operands.

use super::operator::{Comparison, Operator, Spelling};
use super::scan::Raw;
use super::{QueryError, Test, decode};
use crate::limits;
use crate::model::{Attribute, Kind};
use crate::time::{Written, Zone};
use crate::value::{Value, coerce};

/// Reads the operand of a condition on `attribute`.
pub(super) fn test(
    attribute: &Attribute,
    operator: Operator,
    raw: Raw<'_>,
    zone: Option<&Zone>,
) -> Result<Test, QueryError> {
    Reader { attribute, operator, zone, inside_json: attribute.list }.test(raw)
}

/// Reads the operand of a condition on `attribute`, which stands inside a nested value.
pub(super) fn inside(
    attribute: &Attribute,
    operator: Operator,
    raw: Raw<'_>,
    zone: Option<&Zone>,
) -> Result<Test, QueryError> {
    Reader { attribute, operator, zone, inside_json: true }.test(raw)
}

struct Reader<'a> {
    attribute: &'a Attribute,
    operator: Operator,
    zone: Option<&'a Zone>,
    /// Whether the values that are compared stand inside stored JSON.
    inside_json: bool,
}

impl Reader<'_> {
    fn test(&self, raw: Raw<'_>) -> Result<Test, QueryError> {
        if self.operator.comparison.looks_inside() {
            return self.inside(raw);
        }
        match self.operator.comparison {
            Comparison::In => self.one_of(raw),
            Comparison::Between => self.between(raw),
            Comparison::Equal => self.equal(raw),
            comparison => {
                let Some(value) = self.value(raw)? else {
                    return Err(QueryError::syntax(raw.position, "null has no order; use = or !="));
                };
                Ok(match comparison {
                    Comparison::Less => Test::Less(value),
                    Comparison::LessOrEqual => Test::LessOrEqual(value),
                    Comparison::Greater => Test::Greater(value),
                    _ => Test::GreaterOrEqual(value),
                })
            }
        }
    }

    fn equal(&self, raw: Raw<'_>) -> Result<Test, QueryError> {
        if self.operator.spelling == Spelling::Double
            && let Some(star) = raw.text.find('*')
        {
            if star + 1 < raw.text.len() {
                return Err(QueryError::syntax(
                    raw.position + star,
                    "* is a wildcard only at the end; as data write %2A",
                ));
            }
            return self.inside(raw.part(0, star)).map(|test| match test {
                Test::Contains(text) | Test::EndsWith(text) => Test::StartsWith(text),
                other => other,
            });
        }
        Ok(self.value(raw)?.map_or(Test::Null, Test::Equal))
    }

    /// A text to look for, byte for byte: nothing is normalised.
    fn inside(&self, raw: Raw<'_>) -> Result<Test, QueryError> {
        if !matches!(self.attribute.kind, Kind::Id | Kind::String | Kind::Date) {
            let detail =
                format!("{} is {}: only texts can be searched", self.attribute.name, self.attribute.kind.name());
            return Err(QueryError::syntax(raw.position, detail));
        }
        let text = decode::value(self.without_prefix(raw)?.text, raw.position)?;
        Ok(match self.operator.comparison {
            Comparison::EndsWith => Test::EndsWith(text),
            Comparison::Contains => Test::Contains(text),
            _ => Test::StartsWith(text),
        })
    }

    fn one_of(&self, raw: Raw<'_>) -> Result<Test, QueryError> {
        let list = unwrapped(raw);
        let mut values = Vec::new();
        let mut null = false;
        if !list.text.is_empty() {
            for part in list.split_commas() {
                match self.value(part)? {
                    Some(value) => values.push(value),
                    None => null = true,
                }
            }
        }
        if values.len() > limits::IN_VALUES {
            return Err(QueryError::syntax(raw.position, format!("more than {} values", limits::IN_VALUES)));
        }
        Ok(Test::In { values, null })
    }

    fn between(&self, raw: Raw<'_>) -> Result<Test, QueryError> {
        let parts = unwrapped(raw).split_commas();
        let [low, high] = parts.as_slice() else {
            return Err(QueryError::syntax(raw.position, "between takes two values: =between=(low,high)"));
        };
        match (self.value(*low)?, self.value(*high)?) {
            (Some(low), Some(high)) => Ok(Test::Between(low, high)),
            _ => Err(QueryError::syntax(raw.position, "null has no order; use = or !=")),
        }
    }

    /// One value; `None` is null.
    fn value(&self, raw: Raw<'_>) -> Result<Option<Value>, QueryError> {
        if raw.text == "null" {
            return Ok(None);
        }
        let raw = self.without_prefix(raw)?;
        let text = decode::value(raw.text, raw.position)?;
        if text.is_empty() && !matches!(self.attribute.kind, Kind::Id | Kind::String) {
            return Ok(None);
        }
        if let Some(instant) = self.zoned(&text, raw.position)? {
            return Ok(Some(Value::Text(instant)));
        }
        coerce(&self.attribute.kind, &text)
            .map(|value| Some(if self.inside_json { value.inside_json() } else { value }))
            .map_err(|error| QueryError::syntax(raw.position, format!("{}: {error}", self.attribute.name)))
    }

    /// A local time in the query's zone. A bare date is the day's first instant where an order is asked for; as an
    /// identity it stays the text it is.
    fn zoned(&self, text: &str, position: usize) -> Result<Option<String>, QueryError> {
        let Some(zone) = self.zone.filter(|_| self.attribute.holds_instants()) else { return Ok(None) };
        let instant = match Written::parse(text) {
            Some(Written::Local(local)) => zone.instant_of(local),
            Some(Written::Date(date)) if self.operator.comparison.orders() => zone.day_start(date),
            Some(Written::Instant(_) | Written::Date(_)) | None => return Ok(None),
        };
        match instant {
            Some(instant) => Ok(Some(instant.stored())),
            None => Err(QueryError::syntax(position, "this time lies outside the years 0 to 9999")),
        }
    }

    /// Takes off `string:`, `number:`, `boolean:` or `date:`, which count after `==` and `=op=` only.
    fn without_prefix<'b>(&self, raw: Raw<'b>) -> Result<Raw<'b>, QueryError> {
        if self.operator.spelling == Spelling::Plain {
            return Ok(raw);
        }
        let prefixes = ["string:", "number:", "boolean:", "date:"];
        let Some(prefix) = prefixes.into_iter().find(|prefix| raw.text.starts_with(prefix)) else { return Ok(raw) };
        let rest = raw.part(prefix.len(), raw.text.len());
        let fits = match prefix {
            "number:" => decode::value(rest.text, rest.position)?.parse::<f64>().is_ok_and(f64::is_finite),
            "boolean:" => matches!(rest.text, "true" | "false"),
            _ => true,
        };
        if fits {
            Ok(rest)
        } else {
            Err(QueryError::syntax(rest.position, format!("{:?} does not fit {prefix}", rest.text)))
        }
    }
}

/// `(a,b)` or `[a,b]` or just `a,b`.
fn unwrapped(raw: Raw<'_>) -> Raw<'_> {
    raw.inside('(', ')').or_else(|| raw.inside('[', ']')).unwrap_or(raw)
}
