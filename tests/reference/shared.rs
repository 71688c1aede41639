//! Rules that many scenarios have in common: to compile them takes longer than to try them on a stream.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use etiolog::{Engine, Pack};
use proptest::prelude::*;
use proptest::strategy::NewTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::reference::scenario::{Rules, at};

/// So many rules are in use at once.
const POOL: usize = 32;
/// So many compiled ones are kept.
const KEPT: usize = 512;

/// Lateness, `--as-of`, whether it is complete, whether it is live.
type Settings = (i64, Option<i64>, bool, bool);

/// Path and text of each file of a pack.
type Texts = Vec<(String, String)>;

/// What the scenarios of one property share.
#[derive(Default)]
struct Shop {
    /// One new draw in so many; none in common when it is 0 or 1.
    reuse: u32,
    /// What the drawn values are made from.
    seeds: Vec<[u8; 32]>,
    sound: HashMap<Rules, bool>,
    engines: HashMap<(Rules, Settings), Result<Engine, String>>,
    texts: HashMap<(Texts, bool), Result<Engine, String>>,
}

thread_local! {
    static SHOP: RefCell<Shop> = RefCell::default();
}

/// From here on one value in so many is new, and the others are among the last of these.
pub(crate) fn begin(reuse: u32) {
    SHOP.with_borrow_mut(|shop| *shop = Shop { reuse, ..Shop::default() });
}

/// A strategy whose values come back: in a long run most are one of the last few dozen.
pub(crate) fn shared<S: Strategy>(of: S) -> Shared<S> {
    Shared { of }
}

/// See [`shared`].
#[derive(Clone, Debug)]
pub(crate) struct Shared<S> {
    of: S,
}

impl<S: Strategy> Strategy for Shared<S> {
    type Tree = S::Tree;
    type Value = S::Value;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let (new, place) = (runner.rng().random(), runner.rng().random::<u32>());
        let seed = SHOP.with_borrow_mut(|shop| shop.seed(new, place));
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        self.of.new_tree(&mut TestRunner::new_with_rng(runner.config().clone(), rng))
    }
}

impl Shop {
    /// What the next value is made from: what was drawn for it, or now and then what an earlier one was made from.
    fn seed(&mut self, new: [u8; 32], number: u32) -> [u8; 32] {
        if self.reuse < 2 {
            return new;
        }
        let place = (number / self.reuse) as usize % POOL;
        if number.is_multiple_of(self.reuse) || self.seeds.len() < POOL {
            if self.seeds.len() < POOL {
                self.seeds.push(new);
            } else {
                self.seeds[place] = new;
            }
            return new;
        }
        self.seeds[place]
    }
}

/// Whether the loader accepts them.
pub(crate) fn is_sound(rules: &Rules) -> bool {
    SHOP.with_borrow_mut(|shop| {
        if shop.sound.len() >= KEPT {
            shop.sound.clear();
        }
        let load = || Engine::builder().pack(rules.pack()).build().is_ok();
        *shop.sound.entry(rules.clone()).or_insert_with(load)
    })
}

/// The rules compiled.
pub(crate) fn engine(rules: &Rules, settings: Settings) -> Result<Engine, String> {
    SHOP.with_borrow_mut(|shop| {
        if shop.engines.len() >= KEPT {
            shop.engines.clear();
        }
        let build = || {
            let (lateness, as_of, complete, live) = settings;
            let builder = Engine::builder().pack(rules.pack()).complete(complete).live(live);
            let builder = builder.lateness(Duration::from_secs(lateness.unsigned_abs()));
            let builder = as_of.into_iter().fold(builder, |builder, second| builder.as_of(at(second)));
            builder.build().map_err(|error| format!("{error:?}"))
        };
        shop.engines.entry((rules.clone(), settings)).or_insert_with(build).clone()
    })
}

/// Files compiled: their paths and texts, and whether the stream is complete.
pub(crate) fn compiled(files: Vec<(String, String)>, complete: bool) -> Result<Engine, String> {
    SHOP.with_borrow_mut(|shop| {
        if shop.texts.len() >= KEPT {
            shop.texts.clear();
        }
        let build = |files: &[(String, String)]| {
            let builder = Engine::builder().pack(Pack::from_texts(files.to_vec())).complete(complete);
            builder.build().map_err(|error| format!("{error:?}"))
        };
        let built = |key: &(Vec<(String, String)>, bool)| build(&key.0);
        shop.texts.entry((files, complete)).or_insert_with_key(built).clone()
    })
}
