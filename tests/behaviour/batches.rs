//! Many ids in one call: what is stored for each, and what a call returns whatever of it was cached.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{Cache, CacheKey, cached, key};
use serde::{Deserialize, Serialize};

use crate::gate::Gate;
use crate::promises;
use crate::steered::{Helm, Op};
use crate::support::{Count, Redis};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    load: usize,
}

#[derive(CacheKey)]
#[cache_key("user:<id>", value = User)]
struct UserKey {
    id: u64,
}

type Users = HashMap<u64, User>;

/// Every seventh id has no row.
#[derive(Clone)]
struct Table {
    cache: Cache,
    /// The ids of every query.
    queries: Arc<Mutex<Vec<Vec<u64>>>>,
    gate: Gate,
}

impl Table {
    fn over(cache: &Cache) -> Self {
        let gate = Gate::closed();
        gate.open();
        Self { cache: cache.clone(), queries: Arc::default(), gate }
    }

    fn query(&self, ids: &[u64]) -> Vec<Option<User>> {
        let mut queries = self.queries.lock().unwrap();
        queries.push(ids.to_vec());
        let load = queries.len();
        ids.iter().map(|id| (id % 7 != 0).then_some(User { id: *id, load })).collect()
    }

    /// The queries since the last look.
    fn asked(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.queries.lock().unwrap())
    }

    /// Of all of these, only the warm ones are cached now.
    async fn warm(&self, warm: &[u64], all: &[u64]) {
        for id in all.iter().copied() {
            self.cache.invalidate(&UserKey { id }).await.unwrap();
        }
        self.find_all(warm).await.unwrap();
    }

    #[cached(key = "user:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, id: u64) -> Result<Option<User>, String> {
        Ok(self.query(&[id]).pop().flatten())
    }

    #[cached(key = UserKey { id: *id }, ttl = 60, mutex, each = id in ids, cache = self.cache.clone())]
    async fn find_all(&self, ids: &[u64]) -> Result<Users, String> {
        let found = self.query(ids);
        self.gate.pass().await;
        Ok(found.into_iter().flatten().map(|user| (user.id, user)).collect())
    }

    #[cached(key = "user:<id>", ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn sorted(&self, ids: Vec<u64>) -> BTreeMap<u64, User> {
        self.query(&ids).into_iter().flatten().map(|user| (user.id, user)).collect()
    }

    #[cached(key = "user:<id>", ttl = 60, mutex, each = id in ids, cache = self.cache.clone())]
    async fn in_order(&self, ids: &[u64]) -> Vec<Option<User>> {
        self.query(ids)
    }

    #[cached(key = "user:<id>", ttl = 60, each = id in ids, by = |user| user.id, cache = self.cache.clone())]
    fn listed(&self, ids: &[u64]) -> Result<Vec<User>, String> {
        // As a database does: in an order of its own, and each row once.
        let mut users: Vec<User> = self.query(ids).into_iter().flatten().collect();
        users.sort_by_key(|user| user.id);
        users.dedup_by_key(|user| user.id);
        Ok(users)
    }

    #[cached(key = "row:<id>", ttl = 60, none_ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn absences(&self, ids: &[u64]) -> Result<Users, String> {
        Ok(self.query(ids).into_iter().flatten().map(|user| (user.id, user)).collect())
    }

    #[cached(key = "row:<id>", ttl = 60, none_ttl = 60, cache = self.cache.clone())]
    async fn absence(&self, id: u64) -> Option<User> {
        self.query(&[id]).pop().flatten()
    }

    #[cached(key = "option:<id>", ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn options(&self, ids: &[u64]) -> HashMap<u64, Option<User>> {
        ids.iter().copied().zip(self.query(ids)).collect()
    }

    #[cached(
        key = "some:<id>", ttl = |user| user.id % 2, unless = |user| user.id == 5, each = id in ids,
        cache = self.cache.clone()
    )]
    async fn odd_but_not_five(&self, ids: &[u64]) -> Vec<Option<User>> {
        self.query(ids)
    }

    #[cached(key = "member:<id.1>", tag = "org:<id.0>", ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn members(&self, ids: &[(char, u64)]) -> Vec<Option<User>> {
        self.query(&ids.iter().map(|(_, id)| *id).collect::<Vec<_>>())
    }

    #[cached(key = "number:<id.1>", ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn by_their_number(&self, ids: &[(char, u64)]) -> HashMap<(char, u64), User> {
        let found = self.query(&ids.iter().map(|(_, id)| *id).collect::<Vec<_>>());
        ids.iter().copied().zip(found.into_iter().flatten()).collect()
    }

    /// With the user's neighbour, who was not asked for.
    #[cached(key = "user:<id>", ttl = 60, when = cached, each = id in ids, skip(cached), cache = self.cache.clone())]
    async fn more_than_asked(&self, cached: bool, ids: &[u64]) -> Users {
        let neighbours: Vec<u64> = ids.iter().flat_map(|id| [*id, id + 100]).collect();
        self.query(&neighbours).into_iter().flatten().map(|user| (user.id, user)).collect()
    }

    #[cached(key = "user:<id>", ttl = 60, each = id in ids, cache = self.cache.clone())]
    async fn fewer_than_asked(&self, ids: &[u64]) -> Vec<Option<User>> {
        let mut found = self.query(ids);
        found.pop();
        found
    }
}

#[cached(key = "user:<id>", ttl = 60, each = id in ids, by = |id| *id)]
async fn without_a_cache(ids: &[u64]) -> Vec<u64> {
    ids.iter().rev().flat_map(|id| [*id, id + 100]).collect()
}

/// The ids of what was found, in its order.
fn ids<'u>(users: impl IntoIterator<Item = &'u User>) -> Vec<u64> {
    users.into_iter().map(|user| user.id).collect()
}

/// Sixty warm ids and forty cold ones, mixed: one look, one load of the cold ones, and one store.
async fn mixed(cache: Cache, helm: Helm) {
    let table = Table::over(&cache);
    // None of them is a multiple of seven.
    let all: Vec<u64> = (0..100).map(|index| index * 7 + 1).collect();
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for (index, id) in all.iter().enumerate() {
        if index % 5 < 3 { warm.push(*id) } else { cold.push(*id) }
    }
    assert_eq!((warm.len(), cold.len()), (60, 40));
    for id in &warm {
        table.find(*id).await.unwrap();
    }
    table.asked();
    let (looks, fills) = (helm.begun(Op::Acquire), helm.begun(Op::Fill));
    let users = table.find_all(&all).await.unwrap();
    assert_eq!(table.asked(), [cold]);
    assert_eq!(helm.many(), [(Op::Acquire, 100), (Op::Fill, 40)]);
    assert_eq!((helm.begun(Op::Acquire) - looks, helm.begun(Op::Fill) - fills), (1, 1), "others than those");
    assert!(users.len() == 100 && all.iter().all(|id| users[id].id == *id));
    assert_eq!(table.find_all(&all).await.unwrap(), users);
    assert_eq!(table.asked(), Vec::<Vec<u64>>::new());
    assert_eq!(helm.many(), [(Op::Acquire, 100)]);
    let stats = cache.stats().total();
    assert_eq!((stats.hits, stats.misses, stats.stores), (160, 100, 100), "{stats:?}");
    assert_eq!(stats.loads, 61, "one call of a body is one load: {stats:?}");
}

#[tokio::test]
async fn in_memory_a_hundred_ids_of_which_sixty_are_warm_are_one_look_one_load_and_one_store_of_forty() {
    let helm = Helm::new();
    mixed(Cache::builder().wrap_store(helm.wrap()).build().unwrap(), helm).await;
}

#[tokio::test]
async fn over_redis_a_hundred_ids_of_which_sixty_are_warm_are_one_look_one_load_and_one_store_of_forty() {
    let (redis, helm) = (Redis::start(), Helm::new());
    let patient = redis.builder().timeout(Duration::from_secs(5));
    mixed(patient.wrap_store(helm.wrap()).build().unwrap(), helm).await;
}

promises! {
    async fn a_batch_and_the_function_for_a_single_value_share_their_entries(world: World) {
        let table = Table::over(&world.cache);
        let one = table.find(1).await.unwrap();
        let users = table.find_all(&[1, 2, 3]).await.unwrap();
        assert_eq!(users.get(&1), one.as_ref());
        assert_eq!(table.asked(), [vec![1], vec![2, 3]]);
        assert_eq!(table.find(3).await.unwrap().as_ref(), users.get(&3));
        assert_eq!(world.cache.get(&UserKey { id: 2 }).await.as_ref(), users.get(&2));
        world.cache.put(&UserKey { id: 3 }, &User { id: 3, load: 99 }, Duration::from_secs(60)).await.unwrap();
        assert_eq!(table.find_all(&[3, 2]).await.unwrap()[&3].load, 99);
        assert_eq!(table.asked(), Vec::<Vec<u64>>::new());
    }

    async fn a_list_is_in_the_order_of_the_ids_whatever_of_it_was_cached(world: World) {
        let table = Table::over(&world.cache);
        let asked = [9, 7, 2, 8, 1, 14, 5];
        for warm in [&[][..], &[2, 5], &[9], &asked] {
            table.warm(warm, &asked).await;
            let found = table.in_order(&asked).await;
            assert_eq!(ids(found.iter().flatten()), [9, 2, 8, 1, 5], "{warm:?} warm");
            assert!(found[1].is_none() && found[5].is_none(), "{warm:?} warm: {found:?}");
            table.warm(warm, &asked).await;
            assert_eq!(ids(&table.listed(&asked).unwrap()), [9, 2, 8, 1, 5], "{warm:?} warm");
            table.warm(warm, &asked).await;
            assert_eq!(ids(table.sorted(asked.to_vec()).await.values()), [1, 2, 5, 8, 9], "{warm:?} warm");
        }
    }

    async fn an_id_that_is_asked_for_twice_has_one_value(world: World) {
        let table = Table::over(&world.cache);
        for round in ["cold", "warm"] {
            let found = table.in_order(&[3, 7, 3, 4, 3]).await;
            let load = found[0].as_ref().unwrap().load;
            let user = |id| Some(User { id, load });
            assert_eq!(found, [user(3), None, user(3), user(4), user(3)], "{round}");
            assert_eq!(ids(&table.listed(&[3, 7, 3, 4, 3]).unwrap()), [3, 4], "{round}");
            assert_eq!(table.find_all(&[3, 3]).await.unwrap().len(), 1, "{round}");
        }
        // In a list every place is answered, in a map every id.
        assert_eq!(table.asked(), [vec![3, 7, 3, 4, 3], vec![7], vec![7], vec![7]]);
        assert_eq!(world.cache.stats().total().stores, 2);
        for _ in 0..2 {
            assert_eq!(table.find_all(&[8, 9, 8]).await.unwrap().len(), 2);
            assert_eq!(ids(&table.listed(&[11, 10, 11]).unwrap()), [11, 10]);
        }
        assert_eq!(table.asked(), [[8, 9], [11, 10]]);
    }

    async fn ids_that_share_a_key_are_two_all_the_same(world: World) {
        let table = Table::over(&world.cache);
        for _ in 0..2 {
            assert_eq!(table.by_their_number(&[('a', 1), ('b', 1), ('a', 1)]).await.len(), 2);
        }
        assert_eq!(table.asked(), [[1, 1]]);
    }

    async fn an_absent_id_is_asked_for_again_and_with_none_ttl_it_is_not(world: World) {
        let table = Table::over(&world.cache);
        for _ in 0..2 {
            assert_eq!(ids(table.find_all(&[7, 8]).await.unwrap().values()), [8]);
        }
        assert_eq!(table.asked(), [vec![7, 8], vec![7]]);
        for _ in 0..2 {
            assert_eq!(ids(table.absences(&[7, 8, 14]).await.unwrap().values()), [8]);
        }
        assert_eq!(table.absence(14).await, None);
        assert_eq!(table.asked(), [[7, 8, 14]]);
        assert_eq!(table.absence(21).await, None);
        assert_eq!(ids(table.absences(&[21, 22]).await.unwrap().values()), [22]);
        assert_eq!(table.asked(), [[21], [22]]);
    }

    async fn a_none_in_a_map_is_an_absence(world: World) {
        let table = Table::over(&world.cache);
        for _ in 0..2 {
            let found = table.options(&[7, 8]).await;
            assert_eq!((found[&7].as_ref(), found[&8].as_ref().map(|user| user.id)), (None, Some(8)));
        }
        assert_eq!(table.asked(), [vec![7, 8], vec![7]]);
    }

    async fn ttl_and_unless_are_asked_about_each_value(world: World) {
        let table = Table::over(&world.cache);
        let asked = [1, 2, 3, 4, 5, 6, 7];
        for _ in 0..2 {
            assert_eq!(ids(table.odd_but_not_five(&asked).await.iter().flatten()), [1, 2, 3, 4, 5, 6]);
        }
        assert_eq!(table.asked(), [asked.to_vec(), vec![2, 4, 5, 6, 7]]);
    }

    async fn every_id_has_tags_of_its_own(world: World) {
        let table = Table::over(&world.cache);
        let asked = [('a', 1), ('b', 2), ('a', 3), ('c', 4)];
        table.members(&asked).await;
        let org = 'a';
        world.cache.invalidate_tag(&key!("org:<org>")).await.unwrap();
        assert_eq!(ids(table.members(&asked).await.iter().flatten()), [1, 2, 3, 4]);
        assert_eq!(table.asked(), [vec![1, 2, 3, 4], vec![1, 3]]);
    }

    async fn an_invalidation_during_the_load_rejects_that_value_and_no_other(world: World) {
        let table = Table { gate: Gate::closed(), ..Table::over(&world.cache) };
        let reader = table.clone();
        let reader = tokio::spawn(async move { reader.find_all(&[1, 2, 3]).await });
        table.gate.entered(1).await;
        world.other_process().invalidate(&UserKey { id: 2 }).await.unwrap();
        table.gate.open();
        assert_eq!(reader.await.unwrap().unwrap().len(), 3);
        assert_eq!(table.find_all(&[1, 2, 3]).await.unwrap().len(), 3);
        assert_eq!(table.asked(), [vec![1, 2, 3], vec![2]]);
        let stats = world.cache.stats().total();
        assert_eq!((stats.stores, stats.late_fills), (3, 1));
    }

    async fn an_entry_of_another_type_is_replaced_and_the_others_are_hits(world: World) {
        let table = Table::over(&world.cache);
        table.find_all(&[1, 2, 3]).await.unwrap();
        world.cache.put(&key!("user:2"), &[1_u8], Duration::from_secs(60)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(table.find_all(&[3, 2, 1]).await.unwrap().len(), 3);
        }
        assert_eq!(table.asked(), [vec![1, 2, 3], vec![2]]);
    }

    async fn what_nobody_asked_for_is_left_out_whatever_was_cached(world: World) {
        let table = Table::over(&world.cache);
        for warm in [&[][..], &[1], &[1, 2]] {
            table.warm(warm, &[1, 2]).await;
            let mut found: Vec<u64> = table.more_than_asked(true, &[1, 2]).await.into_keys().collect();
            found.sort_unstable();
            assert_eq!(found, [1, 2], "{warm:?} warm");
        }
    }

    async fn past_the_cache_the_bodys_output_is_not_touched(world: World) {
        let table = Table::over(&world.cache);
        assert_eq!(table.more_than_asked(false, &[1, 2]).await.len(), 4);
        assert_eq!(without_a_cache(&[1, 2, 1]).await, [1, 101, 2, 102, 1, 101]);
        let disabled = Table::over(&Cache::disabled());
        assert_eq!(disabled.more_than_asked(true, &[1, 2]).await.len(), 4);
        let scope = world.cache.transaction();
        assert_eq!(table.more_than_asked(true, &[1, 2]).await.len(), 4);
        drop(scope);
        assert_eq!(world.cache.stats().total().stores, 0);
    }

    async fn a_list_of_another_length_is_returned_as_it_is_and_not_stored(world: World) {
        let table = Table::over(&world.cache);
        for _ in 0..2 {
            assert_eq!(ids(table.fewer_than_asked(&[3, 2, 1]).await.iter().flatten()), [3, 2]);
        }
        assert_eq!(table.asked(), [[3, 2, 1]; 2]);
        assert_eq!(world.cache.stats().total().stores, 0);
        // Whose value is missing is not known, so what was found does not help.
        table.warm(&[3], &[1, 2, 3]).await;
        table.asked();
        assert_eq!(ids(table.fewer_than_asked(&[3, 2, 1]).await.iter().flatten()), [3, 2]);
        assert_eq!(table.asked(), [vec![2, 1], vec![3, 2, 1]]);
        assert_eq!(world.cache.stats().total().stores, 1);
    }

    async fn no_ids_are_no_call_of_the_body(world: World) {
        let table = Table::over(&world.cache);
        assert_eq!(table.find_all(&[]).await, Ok(HashMap::new()));
        assert_eq!(table.listed(&[]), Ok(Vec::new()));
        assert!(without_a_cache(&[]).await.is_empty());
        assert_eq!(table.asked(), Vec::<Vec<u64>>::new());
    }
}

struct Orders {
    cache: Cache,
    loads: Count,
}

impl Orders {
    #[cached(key = "orders:<user>", ttl = 60, each = user in users, by = |order| order.0, cache = self.cache.clone())]
    async fn of(&self, users: &[u64]) -> Vec<(u64, u64)> {
        self.loads.add();
        // The third user has one, so it alone could be told apart.
        users.iter().flat_map(|&user| if user == 3 { vec![(3, 30)] } else { vec![(user, 1), (user, 2)] }).collect()
    }
}

promises! {
    async fn several_values_of_one_id_are_all_returned_and_none_is_stored(world: World) {
        let orders = Orders { cache: world.cache.clone(), loads: Count::default() };
        for _ in 0..2 {
            assert_eq!(orders.of(&[1, 2]).await, [(1, 1), (1, 2), (2, 1), (2, 2)]);
        }
        assert_eq!(orders.loads.get(), 2);
        assert_eq!(orders.of(&[3]).await, [(3, 30)]);
        assert_eq!(orders.of(&[3, 1]).await, [(3, 30), (1, 1), (1, 2)], "one of them cached, and the other not to be told");
    }
}
