//! Visitors of whom most want the same: what a cache is for, while what it holds keeps changing.

use crate::arguments::{Change, ZipfOptions};
use crate::catalogue::{self, CATEGORIES, Popularity};
use crate::connection::{self, Answer, Cache, Connection};
use crate::tally::{Errors, Latencies, Share, Span, all_ended};
use std::cell::RefCell;
use std::io::Result;
use std::rc::Rc;
use std::time::{Duration, Instant};
use stoa_tests::dice::{Dice, Seed};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

const BETWEEN_CHANGES: Duration = Duration::from_millis(10);

/// What all visitors share.
struct Shop {
    options: ZipfOptions,
    span: Span,
    products: Popularity,
    categories: Popularity,
    /// The tags seen last: of the products, then of the categories' lists.
    tags: RefCell<Vec<Option<Box<str>>>>,
    tally: RefCell<Tally>,
    errors: RefCell<Errors>,
}

#[derive(Default)]
struct Tally {
    latencies: Latencies,
    unchanged: usize,
    hits: usize,
    misses: usize,
    changes: usize,
}

/// Something to ask for.
#[derive(Clone, Copy)]
enum Page {
    Product(usize),
    List(usize),
}

/// Prints what was measured; returns the number of errors.
pub(crate) async fn run(options: ZipfOptions) -> Result<u64> {
    let visit = options.visit;
    let shop = Rc::new(Shop {
        options,
        products: Popularity::scattered(visit.records, options.exponent),
        categories: Popularity::in_order(CATEGORIES, options.exponent),
        tags: RefCell::new(vec![None; visit.records + CATEGORIES]),
        tally: RefCell::default(),
        errors: RefCell::default(),
        span: Span::from_now(visit.warm_up, visit.measured),
    });
    let mut visits = JoinSet::new();
    for number in 0..visit.connections {
        visits.spawn_local(read(Rc::clone(&shop), Seed(1).dice(number)));
    }
    if let Some(change) = options.change {
        visits.spawn_local(write(Rc::clone(&shop), Seed(2).dice(0), change));
    }
    all_ended(visits, shop.span, &shop.errors).await;
    Ok(shop.report())
}

/// Asks, and asks again as soon as the answer is there.
async fn read(shop: Rc<Shop>, mut dice: Dice) -> Result<()> {
    let mut connection = Connection::open(shop.options.visit.address).await?;
    while !shop.span.is_over() {
        let page = shop.choose(&mut dice);
        let seen = if dice.below(100) < shop.options.revalidate_percent { shop.tag(page) } else { None };
        let request = connection::get(shop.options.visit.address, &page.path(), seen.as_deref());
        let began = Instant::now();
        let answer = connection.exchange(request.as_bytes()).await?;
        shop.note(page, seen.is_some(), began, &answer);
    }
    Ok(())
}

/// Changes a product every few milliseconds: the popular ones more often.
async fn write(shop: Rc<Shop>, mut dice: Dice, change: Change) -> Result<()> {
    let address = shop.options.visit.address;
    let mut connection = Connection::open(address).await?;
    let mut clock = tokio::time::interval(BETWEEN_CHANGES);
    // What one slow commit held up is made up for.
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !shop.span.is_over() {
        clock.tick().await;
        let path = catalogue::product(shop.products.choose(&mut dice));
        let json = match change {
            Change::Price => format!(r#"{{"price":{}.{:02}}}"#, dice.below(500), dice.below(100)),
            Change::Stock => r#"{"stockQuantity":{"__op__":"add","value":-1}}"#.into(),
        };
        let began = Instant::now();
        let answer = connection.exchange(connection::send("PATCH", address, &path, &json).as_bytes()).await?;
        if answer.status != 200 {
            shop.errors.borrow_mut().add(format_args!("PATCH {path} is answered with {}", answer.status));
        } else if shop.span.counts(began) {
            shop.tally.borrow_mut().changes += 1;
        }
    }
    Ok(())
}

impl Page {
    fn path(self) -> String {
        match self {
            Self::Product(record) => catalogue::product(record),
            Self::List(category) => catalogue::list(category),
        }
    }
}

impl Shop {
    fn choose(&self, dice: &mut Dice) -> Page {
        if dice.below(100) < self.options.lists_percent {
            Page::List(self.categories.choose(dice))
        } else {
            Page::Product(self.products.choose(dice))
        }
    }

    /// Where the tag of a page is kept.
    fn place(&self, page: Page) -> usize {
        match page {
            Page::Product(record) => record,
            Page::List(category) => self.options.visit.records + category,
        }
    }

    fn tag(&self, page: Page) -> Option<Box<str>> {
        self.tags.borrow()[self.place(page)].clone()
    }

    fn note(&self, page: Page, conditional: bool, began: Instant, answer: &Answer<'_>) {
        match answer.status {
            200 => self.tags.borrow_mut()[self.place(page)] = answer.etag.map(Box::from),
            304 if conditional => {}
            status => {
                return self.errors.borrow_mut().add(format_args!("GET {} is answered with {status}", page.path()));
            }
        }
        if !self.span.counts(began) {
            return;
        }
        let mut tally = self.tally.borrow_mut();
        tally.latencies.add(began.elapsed());
        tally.unchanged += usize::from(answer.status == 304);
        match answer.cache {
            Cache::Hit => tally.hits += 1,
            Cache::Miss => tally.misses += 1,
            Cache::Unknown => {}
        }
    }

    fn report(&self) -> u64 {
        let (mut tally, errors) = (self.tally.borrow_mut(), self.errors.borrow().count());
        let all = tally.latencies.count();
        let what = match self.options.change {
            Some(Change::Price) => "price",
            Some(Change::Stock) => "stock",
            None => "still",
        };
        println!(
            "zipf {what}: rate {:.0} /s; p50 {}; p99 {}; 200 {}; 304 {}; hits {}; changes {:.0} /s; errors {errors}",
            all as f64 / self.span.seconds(),
            tally.latencies.percentile(500),
            tally.latencies.percentile(990),
            Share(all - tally.unchanged, all),
            Share(tally.unchanged, all),
            Share(tally.hits, tally.hits + tally.misses),
            tally.changes as f64 / self.span.seconds(),
        );
        errors
    }
}
