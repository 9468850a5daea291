//! TZif files built for tests (RFC 9636 §3).

use stoa_schema::time::Instant;

/// A zone in the making.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    types: Vec<(i32, String)>,
    transitions: Vec<(i64, usize)>,
    footer: String,
    leap_seconds: u32,
}

impl Build {
    /// A zone that begins with this offset.
    pub(crate) fn new(offset_seconds: i32, designation: &str) -> Build {
        let types = vec![(offset_seconds, designation.to_owned())];
        Build { types, transitions: Vec::new(), footer: String::new(), leap_seconds: 0 }
    }

    /// Another offset from an instant on.
    pub(crate) fn then(self, at: &str, offset_seconds: i32, designation: &str) -> Build {
        let seconds = Instant::parse(at).unwrap().millis() / 1_000;
        self.then_at(seconds, offset_seconds, designation)
    }

    /// The same, in seconds since 1970.
    pub(crate) fn then_at(mut self, seconds: i64, offset_seconds: i32, designation: &str) -> Build {
        let wanted = (offset_seconds, designation.to_owned());
        let known = self.types.iter().position(|known| *known == wanted);
        let index = known.unwrap_or_else(|| {
            self.types.push(wanted);
            self.types.len() - 1
        });
        self.transitions.push((seconds, index));
        self
    }

    /// The rule after the last transition.
    pub(crate) fn footer(mut self, footer: &str) -> Build {
        footer.clone_into(&mut self.footer);
        self
    }

    /// Records of leap seconds.
    pub(crate) fn leap_seconds(mut self, count: u32) -> Build {
        self.leap_seconds = count;
        self
    }

    /// The file; version 0 is RFC 9636's version 1.
    pub(crate) fn bytes(&self, version: u8) -> Vec<u8> {
        let mut out = self.block(version, 4);
        if version > 0 {
            out.extend(self.block(version, 8));
            out.extend(format!("\n{}\n", self.footer).into_bytes());
        }
        out
    }

    fn block(&self, version: u8, time_bytes: usize) -> Vec<u8> {
        let designations: Vec<u8> = self.types.iter().flat_map(|(_, name)| [name.as_bytes(), b"\0"].concat()).collect();
        let fits = |seconds: i64| time_bytes == 8 || i32::try_from(seconds).is_ok();
        let transitions: Vec<_> = self.transitions.iter().filter(|(seconds, _)| fits(*seconds)).collect();
        let time = |seconds: i64| seconds.to_be_bytes()[8 - time_bytes..].to_vec();
        let counts = [0, 0, self.leap_seconds as usize, transitions.len(), self.types.len(), designations.len()];
        let mut out = [b"TZif".as_slice(), &[version], &[0; 15]].concat();
        out.extend(counts.iter().flat_map(|count| u32::try_from(*count).unwrap().to_be_bytes()));
        out.extend(transitions.iter().flat_map(|(seconds, _)| time(*seconds)));
        out.extend(transitions.iter().map(|(_, index)| u8::try_from(*index).unwrap()));
        let mut designation = 0;
        for (offset, name) in &self.types {
            out.extend(offset.to_be_bytes());
            out.extend([0, designation]);
            designation += u8::try_from(name.len() + 1).unwrap();
        }
        out.extend(designations);
        for leap in 0..self.leap_seconds {
            out.extend(time(78_796_800 + i64::from(leap) * 31_536_000));
            out.extend((leap + 1).to_be_bytes());
        }
        out
    }
}
