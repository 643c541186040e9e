//! The constraints of one side that can still matter.
//!
//! If |ẍ| ≤ W then `x(a) + W·a²/2` is convex, whatever the oscillators do. So
//! after *lifting* each upper bound `(a, u)` to `(a, u + W·a²/2)`, the tangent of
//! the lifted offset at any instant runs below every lifted bound, and only the
//! lower convex hull of the lifted bounds can ever be touched by it. The hull
//! does not depend on the instant that is asked about: it is built once, point by
//! point, and a query is a binary search. Lower bounds are kept as upper bounds of
//! `−x`, so there is one structure and no mirrored copy of it.
//!
//! Rejected: a sliding window of raw constraints (a query costs the window, and
//! what lies outside it is lost although it still bounds the rate).

use super::model::{TICK_BITS, Wander, ceil_shift, product, saturate, upper_half};
use crate::limits;

/// A lifted bound that the hull needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Vertex {
    /// Nanoseconds from the bracket's origin, |at| ≤ 2⁴⁶.
    pub(super) at: i64,
    /// The bound, lifted, in ticks, |lifted| ≤ 2⁵⁴.
    pub(super) lifted: i64,
}

/// The lower convex hull of lifted upper bounds. `[CLOCK-6]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hull {
    wander: Wander,
    capacity: usize,
    vertices: Vec<Vertex>,
}

impl Hull {
    /// No bound at all. Holds at most `capacity` vertices; the oldest go first,
    /// which loosens answers and never falsifies them. `[CLOCK-8]`
    pub(super) const fn new(wander: Wander, capacity: usize) -> Self {
        Self { wander, capacity, vertices: Vec::new() }
    }

    /// Memory held beyond the value itself.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.vertices.capacity() * size_of::<Vertex>()
    }

    /// The vertices, oldest first.
    pub(super) fn vertices(&self) -> &[Vertex] {
        &self.vertices
    }

    /// Adds `x(at) ≤ value`; answers whether it can matter.
    pub(super) fn insert(&mut self, at: i64, value: i64) -> bool {
        let new = Vertex { at, lifted: self.lift(at, value) };
        if self.vertices.last().is_none_or(|last| last.at < at) {
            // Bounds come in order of time, nearly always.
            self.make_room();
            self.vertices.push(new);
            self.drop_before(self.vertices.len().saturating_sub(1));
            self.keep_within_capacity();
            return true;
        }
        let index = self.vertices.partition_point(|vertex| vertex.at < at);
        let next = self.vertices.get(index).copied();
        let previous = index.checked_sub(1).and_then(|i| self.vertices.get(i)).copied();
        match (previous, next) {
            (_, Some(same)) if same.at == at => {
                if same.lifted <= new.lifted {
                    return false;
                }
                self.vertices.remove(index);
            }
            (Some(previous), Some(next)) if !is_below(previous, new, next) => return false,
            _ => {}
        }
        self.make_room();
        self.vertices.insert(index, new);
        self.drop_after(index);
        self.drop_before(index);
        self.keep_within_capacity();
        true
    }

    /// For one more: twice as many each time, but never more than may be held.
    /// `[CLOCK-8]`
    fn make_room(&mut self) {
        let len = self.vertices.len();
        if len == self.vertices.capacity() {
            let more = (self.capacity + 1).saturating_sub(len);
            self.vertices.reserve_exact(more.min(len.max(8)));
        }
    }

    fn keep_within_capacity(&mut self) {
        if self.vertices.len() > self.capacity {
            self.vertices.remove(0);
        }
    }

    /// The vertex of that index.
    pub(super) fn vertex(&self, index: usize) -> Option<Vertex> {
        self.vertices.get(index).copied()
    }

    /// The steepest slope that still touches at this vertex and not at the next.
    pub(super) fn steepest(&self, index: usize) -> Option<i64> {
        let (left, right) = (self.vertex(index)?, self.vertex(index + 1)?);
        let rise = i128::from(right.lifted - left.lifted) << self.slope_shift();
        Some(saturate(rise.div_euclid(i128::from(right.at - left.at))))
    }

    /// The vertex where a line of `slope` (in units of 2⁻ⁿ) touches from below.
    pub(super) fn touching(&self, slope: i64) -> Option<Vertex> {
        let last = self.vertices.len().checked_sub(1)?;
        self.vertices.get(self.touching_within(slope, 0, last)).copied()
    }

    /// Its index, known to be from `low` to `high`. A steeper line never touches
    /// earlier, so the indices of two slopes enclose those of all between.
    pub(super) fn touching_within(&self, slope: i64, low: usize, high: usize) -> usize {
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = low.midpoint(high);
            if self.rises_less(middle, slope) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Its index, likely not far from `near`.
    pub(super) fn touching_near(&self, slope: i64, near: usize) -> usize {
        let last = self.vertices.len().saturating_sub(1);
        let near = near.min(last);
        let (mut low, mut high, mut reach) = (0, last, 1_usize);
        if self.rises_less(near, slope) {
            low = near + 1;
            while near + reach < last {
                if !self.rises_less(near + reach, slope) {
                    high = near + reach;
                    break;
                }
                low = near + reach + 1;
                reach *= 2;
            }
        } else {
            high = near;
            while reach <= near {
                if self.rises_less(near - reach, slope) {
                    low = near - reach + 1;
                    break;
                }
                high = near - reach;
                reach *= 2;
            }
        }
        self.touching_within(slope, low, high)
    }

    /// Whether the hull after that vertex rises less than `slope`.
    fn rises_less(&self, index: usize, slope: i64) -> bool {
        let Some([left, right]) = self.vertices.get(index..).and_then(|rest| rest.first_chunk())
        else {
            return false;
        };
        // What `slope` rises, rounded up to ticks: to the upper half of a product.
        let shift = 64 - self.slope_shift();
        let run = (right.at - left.at) << (shift / 2);
        right.lifted - left.lifted < -upper_half(-(slope << (shift - shift / 2)), run)
    }

    /// The bound on `x(at)` if the rate at `at` is `rate` (units of 2⁻ⁿ), in
    /// units of 2⁻⁽ⁿ⁺¹⁾ ns.
    pub(super) fn bound(&self, at: i64, rate: i64) -> Option<i128> {
        Some(self.bound_by(self.touching(rate + at)?, at, rate))
    }

    /// [`Self::bound`], knowing the vertex that is touched.
    pub(super) fn bound_by(&self, vertex: Vertex, at: i64, rate: i64) -> i128 {
        let lifted = i128::from(vertex.lifted) << (self.slope_shift() + 1);
        lifted - product(2 * (rate + at), vertex.at - at) - product(at, at)
    }

    /// The greatest [`Self::bound`] over all rates from `least` to `most`,
    /// rounded up to a nanosecond. `[CLOCK-7]`
    pub(super) fn highest(&self, at: i64, least: i64, most: i64) -> Option<i64> {
        let (first, last) = (self.touching(least + at)?, self.touching(most + at)?);
        let exact = if last.at <= at {
            self.bound_by(last, at, most)
        } else if first.at >= at {
            self.bound_by(first, at, least)
        } else {
            self.chord(at)?
        };
        Some(saturate(ceil_shift(exact, self.wander.exponent() + 1)))
    }

    /// Moves the origin `by` nanoseconds later. Vertices that would come to lie
    /// farther than `reach` before it are dropped.
    pub(super) fn move_origin(&mut self, by: i64, reach: i64) {
        let (wander, capacity) = (self.wander, self.capacity);
        let old = core::mem::replace(self, Self::new(wander, capacity));
        for vertex in old.vertices.iter().copied() {
            let at = vertex.at.saturating_sub(by);
            if at >= -reach {
                self.insert(at, old.bound_of(vertex));
            }
        }
    }

    /// Of the same bounds under a smaller wander limit.
    pub(super) fn stiffer(&self, wander: Wander) -> Self {
        let mut stiffer = Self::new(wander, self.capacity);
        for vertex in &self.vertices {
            stiffer.insert(vertex.at, self.bound_of(*vertex));
        }
        stiffer
    }

    /// The bound that was lifted.
    fn bound_of(&self, vertex: Vertex) -> i64 {
        vertex.lifted.saturating_sub(parabola(self.wander, vertex.at)) >> TICK_BITS
    }

    /// The height of the hull above `at`, which lies between two vertices.
    fn chord(&self, at: i64) -> Option<i128> {
        let index = self.vertices.partition_point(|vertex| vertex.at <= at);
        let (left, right) = (self.vertices.get(index.checked_sub(1)?)?, self.vertices.get(index)?);
        let length = i128::from(right.at - left.at);
        let weighted = i128::from(left.lifted) * i128::from(right.at - at)
            + i128::from(right.lifted) * i128::from(at - left.at);
        let shift = self.slope_shift() + 1;
        let (whole, rest) = (weighted.div_euclid(length), weighted.rem_euclid(length));
        let height = (whole << shift) + ((rest << shift) + length - 1).div_euclid(length);
        Some(height - i128::from(at) * i128::from(at))
    }

    fn lift(&self, at: i64, value: i64) -> i64 {
        (value << TICK_BITS).saturating_add(parabola(self.wander, at))
    }

    const fn slope_shift(&self) -> u32 {
        self.wander.exponent() - TICK_BITS
    }

    fn drop_after(&mut self, index: usize) {
        while let (Some(&a), Some(&b), Some(&c)) =
            (self.vertices.get(index), self.vertices.get(index + 1), self.vertices.get(index + 2))
        {
            if is_below(a, b, c) {
                break;
            }
            self.vertices.remove(index + 1);
        }
    }

    fn drop_before(&mut self, mut index: usize) {
        while index >= 2 {
            let (Some(&a), Some(&b), Some(&c)) = (
                self.vertices.get(index - 2),
                self.vertices.get(index - 1),
                self.vertices.get(index),
            ) else {
                break;
            };
            if is_below(a, b, c) {
                break;
            }
            if index + 1 == self.vertices.len() {
                // The last takes its place, which costs no call that moves memory.
                self.vertices.swap_remove(index - 1);
            } else {
                self.vertices.remove(index - 1);
            }
            index -= 1;
        }
    }
}

/// `W·at²/2` in ticks, rounded up: outward for an upper bound. `[CLOCK-6]`
fn parabola(wander: Wander, at: i64) -> i64 {
    // To the upper half of a product: one factor alone would leave 64 bits.
    let shift = 63 + TICK_BITS - wander.exponent();
    -upper_half(-(at << (shift / 2)), at << (shift - shift / 2))
}

/// Whether `b` lies strictly below the chord from `a` to `c`.
fn is_below(a: Vertex, b: Vertex, c: Vertex) -> bool {
    product(b.lifted - a.lifted, c.at - a.at) < product(c.lifted - a.lifted, b.at - a.at)
}

const _: () = assert!(limits::CLOCK_HULL_VERTICES >= 8);
