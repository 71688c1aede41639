//! Random numbers that are the same on every machine.

use std::f64::consts::PI;

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) struct Draws(u64);

impl Draws {
    /// The numbers of one seed; `stream` keeps those of different figures apart.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut draws = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        draws.next();
        draws
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 (inclusive) to 1 (exclusive).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn happens(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }

    /// Sum of `shape` exponential numbers: coefficient of variation 1/√shape.
    pub(crate) fn gamma(&mut self, shape: u32, mean: f64) -> f64 {
        (0..shape).map(|_| self.exponential(mean / f64::from(shape))).sum()
    }

    pub(crate) fn lognormal(&mut self, sigma: f64, mean: f64) -> f64 {
        mean * (sigma * self.normal() - sigma * sigma / 2.0).exp()
    }

    /// Knuth's product of uniform numbers, in parts that do not underflow.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        const PART: f64 = 50.0;
        let (mut left, mut count) = (mean, 0);
        while left > 0.0 {
            let floor = (-left.min(PART)).exp();
            let mut product = self.uniform();
            while product > floor {
                product *= self.uniform();
                count += 1;
            }
            left -= PART;
        }
        count
    }
}
