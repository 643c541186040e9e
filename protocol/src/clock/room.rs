//! How much room two hulls leave to each rate.
//!
//! At one instant the room is a concave function of the rate, made of straight
//! pieces: within a piece both hulls are touched at the same vertices. So a
//! question about rates is answered by one division in the piece that holds the
//! answer, and that piece is looked for from where it likely is: the roomiest rate is
//! the one that both hulls run at here, about, and away from it the room falls with
//! the square. Each rate touches near the one before, so looking its vertices up costs
//! little. Rejected: halving all possible rates (answers are the same, and each takes
//! a dozen steps more), and walking all vertices (a hull that was built in an hour
//! holds hundreds).

use super::hull::Hull;
use super::model::saturate;

/// The room at one instant.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    above: &'a Hull,
    below: &'a Hull,
    /// Relative to the origin of both.
    at: i64,
}

/// How far apart in rate the touches of neighbouring messages are, about: lifted bounds
/// are touched as much later as the rate is greater, and 8 s hold a few.
const SCATTER: i64 = 1 << 33;

/// Where a line of one rate touches the hulls.
#[derive(Clone, Copy)]
pub(super) struct Touch {
    pub(super) rate: i64,
    above: usize,
    below: usize,
}

/// A range of rates, whose ends' touches enclose all others.
pub(super) struct Between<'a> {
    room: Room<'a>,
    ends: (Touch, Touch),
}

impl Between<'_> {
    /// `U` and minus `L` for a rate of the range, in units of 2⁻⁽ⁿ⁺¹⁾ ns.
    pub(super) fn bounds(&self, rate: i64) -> Option<(i128, i128)> {
        self.room.bounds(self.room.between(rate, self.ends.0, self.ends.1))
    }
}

impl<'a> Room<'a> {
    /// `U` from `above`; minus `L` from `below`.
    pub(super) const fn new(above: &'a Hull, below: &'a Hull, at: i64) -> Self {
        Self { above, below, at }
    }

    /// `U − L` for one rate, in units of 2⁻⁽ⁿ⁺¹⁾ ns; `None` without a bound on
    /// each side.
    pub(super) fn of(self, rate: i64) -> Option<i128> {
        self.held(self.touch(rate)?)
    }

    /// Where the next greater rate touches.
    pub(super) fn next(self, touch: Touch) -> Touch {
        self.near(touch.rate + 1, touch)
    }

    /// Prepares for many questions about rates from `least` to `most`.
    pub(super) fn fan(self, least: i64, most: i64) -> Option<Between<'a>> {
        Some(Between { room: self, ends: (self.touch(least)?, self.touch(most)?) })
    }

    /// Where the greatest rate in the range touches before which the room still grows.
    pub(super) fn roomiest(self, least: i64, most: i64) -> Option<Touch> {
        let (mut growing, mut not) = self.around_roomiest(least, most)?;
        while not.rate - growing.rate > 1 {
            if not.above - growing.above <= 1 && growing.below - not.below <= 1 {
                let last = self.last_growing(growing, not)?;
                return Some(self.between(last, growing, not));
            }
            let middle = self.between(growing.rate.midpoint(not.rate), growing, not);
            if self.grows(middle)? { growing = middle } else { not = middle }
        }
        Some(growing)
    }

    /// A rate at which the room grows and a greater one at which it does not; twice the
    /// end of the range if that is the roomiest.
    fn around_roomiest(self, least: i64, most: i64) -> Option<(Touch, Touch)> {
        // A line that is lifted with the bounds touches them as far from this instant
        // as its rate is from the one that they have here, on one side before and on
        // the other after: half of the distance leads to where it is none.
        let mut here = self.touch_here(least, most)?;
        for _ in 0..2 {
            let apart = self.before_growth_ends(here)?;
            here = self.near(here.rate.saturating_add(apart / 2).clamp(least, most), here);
        }
        let is_growing = self.grows(here)?;
        let end = if is_growing { most } else { least };
        let mut reach = SCATTER;
        while here.rate != end {
            let far = if is_growing { reach } else { -reach };
            let next = self.near(here.rate.saturating_add(far).clamp(least, most), here);
            if self.grows(next)? != is_growing {
                return Some(if is_growing { (here, next) } else { (next, here) });
            }
            here = next;
            reach = reach.saturating_mul(2);
        }
        Some((here, here))
    }

    /// The first rate with less than `room` on the way from `inside` to `limit`,
    /// or `limit`.
    pub(super) fn outermost(self, inside: Touch, limit: i64, room: i128) -> Option<i64> {
        let way = (limit - inside.rate).signum();
        // Away from its peak the room falls with the square, as the parabolas do.
        let spare = (self.held(inside)? - room).max(1);
        let mut reach = 1_i64 << (spare.ilog2() / 2).min(62);
        let mut not = inside;
        while self.held(not)? >= room {
            if not.rate == limit {
                return Some(limit);
            }
            let left = (limit - not.rate).abs();
            not = self.near(not.rate + way * reach.min(left), not);
            reach = reach.saturating_mul(2);
        }
        // A piece that is gone on straight lies nowhere below the room. So where it
        // reaches what is sought, the rate before has less, and if there is as much that
        // is the last one.
        loop {
            let missing = room - self.held(not)?;
            let (above, below) = (self.above.vertex(not.above)?, self.below.vertex(not.below)?);
            let climb = 2 * i128::from(above.at - below.at) * i128::from(way);
            let steps = saturate(missing.checked_add(climb - 1)?.checked_div(climb).unwrap_or(0));
            let steps = steps.min((not.rate - inside.rate).abs());
            if steps <= 0 {
                return Some(not.rate);
            }
            let last = self.near(not.rate - way * steps, not);
            if self.held(last)? >= room {
                return Some(last.rate + way);
            }
            not = last;
        }
    }

    /// Within two pieces on each side: the rate before the room stops growing.
    fn last_growing(self, growing: Touch, not: Touch) -> Option<i64> {
        let moved = |touch: Touch, rate: i64| self.between(rate, touch, not);
        let above = (not.above != growing.above)
            .then(|| self.above.steepest(growing.above).map(|slope| slope + 1 - self.at));
        let below = (not.below != growing.below)
            .then(|| self.below.steepest(not.below).map(|slope| self.at - slope));
        let (first, last) = match (above, below) {
            (Some(above), Some(below)) => (above?.min(below?), above?.max(below?)),
            (Some(only), None) | (None, Some(only)) => (only?, only?),
            (None, None) => return None,
        };
        let end = if self.grows(moved(growing, first))? { last } else { first };
        Some(end - 1)
    }

    /// Where a line of one rate touches.
    pub(super) fn touch(self, rate: i64) -> Option<Touch> {
        let last = |hull: &Hull| hull.vertices().len().checked_sub(1);
        Some(Touch {
            rate,
            above: self.above.touching_within(rate + self.at, 0, last(self.above)?),
            below: self.below.touching_within(self.at - rate, 0, last(self.below)?),
        })
    }

    /// The same, likely not far from another.
    fn near(self, rate: i64, other: Touch) -> Touch {
        Touch {
            rate,
            above: self.above.touching_near(rate + self.at, other.above),
            below: self.below.touching_near(self.at - rate, other.below),
        }
    }

    /// Where a line touches that runs here as both hulls do, on average.
    fn touch_here(self, least: i64, most: i64) -> Option<Touch> {
        let here = |hull: &Hull| {
            let after = hull.vertices().partition_point(|vertex| vertex.at < self.at);
            Some(after.min(hull.vertices().len().checked_sub(1)?).saturating_sub(1))
        };
        let (above, below) = (here(self.above)?, here(self.below)?);
        let rising = self.above.steepest(above).map_or(0, |slope| slope.saturating_sub(self.at));
        let falling = self.below.steepest(below).map_or(0, |slope| self.at.saturating_sub(slope));
        let rate = rising.midpoint(falling).clamp(least, most);
        Some(self.near(rate, Touch { rate, above, below }))
    }

    /// Where a rate between two others touches.
    fn between(self, rate: i64, one: Touch, other: Touch) -> Touch {
        let within = |hull: &Hull, slope: i64, a: usize, b: usize| {
            hull.touching_within(slope, a.min(b), a.max(b))
        };
        Touch {
            rate,
            above: within(self.above, rate + self.at, one.above, other.above),
            below: within(self.below, self.at - rate, one.below, other.below),
        }
    }

    fn grows(self, touch: Touch) -> Option<bool> {
        Some(self.before_growth_ends(touch)? >= 0)
    }

    /// How much later the lower bounds are touched than the upper ones: the room grows
    /// with the rate as long as that is no less than zero.
    fn before_growth_ends(self, touch: Touch) -> Option<i64> {
        Some(self.below.vertex(touch.below)?.at - self.above.vertex(touch.above)?.at)
    }

    /// `U − L` for the rate of a touch.
    pub(super) fn held(self, touch: Touch) -> Option<i128> {
        let (above, below) = self.bounds(touch)?;
        Some(above + below)
    }

    /// `U` and minus `L` for the rate of a touch.
    pub(super) fn bounds(self, touch: Touch) -> Option<(i128, i128)> {
        let (above, below) = (self.above.vertex(touch.above)?, self.below.vertex(touch.below)?);
        let above = self.above.bound_by(above, self.at, touch.rate);
        Some((above, self.below.bound_by(below, self.at, -touch.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Wander;
    use super::*;

    struct Random(u64);

    impl Random {
        fn within(&mut self, limit: i64) -> i64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bits = i64::try_from(self.0 >> 2).unwrap();
            bits % (2 * limit) - limit
        }
    }

    /// The last rate on the way from `from` to `to` of which `holds` is true.
    fn last(from: i64, to: i64, holds: impl Fn(i64) -> bool) -> i64 {
        let (mut yes, mut no) = (from, to);
        while (no - yes).abs() > 1 {
            let middle = yes + (no - yes) / 2;
            if holds(middle) { yes = middle } else { no = middle }
        }
        yes
    }

    #[test]
    fn a_division_finds_the_rate_that_halving_finds() {
        // [CLOCK-7]
        let mut asked = 0;
        for seed in 0..400 {
            let random = &mut Random(seed);
            let wander = Wander::of_exponent(54 + u32::try_from(seed % 9).unwrap());
            let (mut above, mut below) = (Hull::new(wander, 512), Hull::new(wander, 512));
            for _ in 0..random.within(60) + 63 {
                let at = random.within(100_000_000_000);
                above.insert(at, random.within(1_000_000) + 900_000);
                below.insert(at + random.within(1_000_000), random.within(1_000_000) + 900_000);
            }
            let limit = wander.rate_limit();
            for _ in 0..20 {
                let room = Room::new(&above, &below, random.within(200_000_000_000));
                let of = |rate| room.of(rate).unwrap();
                let grows = |rate| room.grows(room.touch(rate).unwrap()).unwrap();
                let peak = room.roomiest(-limit, limit).unwrap().rate;
                let plain = if grows(-limit) { last(-limit, limit + 1, grows) } else { -limit };
                assert_eq!(peak, plain, "seed {seed}");
                let inside = if of(peak) >= of(peak + 1) { peak } else { peak + 1 };
                let least = of(inside) - i128::from(random.within(1 << 40).abs()) * (1 << 24);
                for limit in [-limit, limit] {
                    let plain = if of(limit) >= least {
                        limit
                    } else {
                        let inner = last(inside, limit, |rate| of(rate) >= least);
                        inner + (limit - inside).signum()
                    };
                    asked += i32::from(plain != limit);
                    let inside = room.touch(inside).unwrap();
                    assert_eq!(room.outermost(inside, limit, least), Some(plain), "seed {seed}");
                }
            }
        }
        assert!(asked > 4_000, "only {asked} rates lay inside");
    }
}
