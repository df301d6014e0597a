use super::*;

const NOW: Option<Stamp> = Some(7);

fn loaded(accepted: Option<Stamp>) -> Outcome {
    Outcome::Loaded {
        shared: Shared { form: Form::of(0, crate::codec::Codec::Json), version: 1, payload: None },
        accepted,
    }
}

async fn landing(before: bool, seal_first: bool, accepted: Option<Stamp>) -> Landing {
    let flights = Arc::new(Flights::new(Adoption::ByTheRule));
    let lead = flights.lead("k", None).unwrap();
    let early = flights.arrival();
    lead.begin();
    let late = flights.arrival();
    if seal_first {
        lead.seal();
    }
    let flight = flights.get("k").unwrap();
    let arrival = if before { early } else { late };
    let mut follower = std::pin::pin!(flight.landing(arrival, NOW));
    assert!(futures_poll(follower.as_mut()).is_none());
    lead.seal();
    lead.land(loaded(accepted));
    assert!(flights.get("k").is_none());
    follower.await.0
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_result_is_adopted_only_under_the_adoption_rule() {
    assert!(matches!(landing(true, false, None).await, Landing::Shared(_)));
    assert!(matches!(landing(true, true, None).await, Landing::Shared(_)));
    assert!(matches!(landing(false, false, NOW).await, Landing::Shared(_)));
    assert!(matches!(landing(false, false, None).await, Landing::Again));
    assert!(matches!(landing(false, true, NOW).await, Landing::Again));
    assert!(matches!(landing(false, false, Some(6)).await, Landing::Again), "cleared since the load began");
}

#[tokio::test]
async fn an_abandoned_flight_is_looked_for_again_and_a_panicked_one_is_not() {
    let flights = Arc::new(Flights::new(Adoption::ByTheRule));
    let lead = flights.lead("k", None).unwrap();
    let flight = flights.get("k").unwrap();
    drop(lead);
    assert!(matches!(flight.landing(0, NOW).await.0, Landing::Again));

    let lead = flights.lead("k", None).unwrap();
    let flight = flights.get("k").unwrap();
    let _ = std::thread::spawn(move || {
        let _lead = lead;
        std::panic::resume_unwind(Box::new(()));
    })
    .join();
    assert!(matches!(flight.landing(0, NOW).await.0, Landing::LoadAlone));
    assert!(flights.get("k").is_none());
}

#[test]
fn a_new_lease_holder_replaces_the_flight_and_the_old_one_does_not_remove_it() {
    let flights = Arc::new(Flights::new(Adoption::ByTheRule));
    let old = flights.lead("k", None).unwrap();
    let new = flights.replace("k", None).unwrap();
    assert!(flights.lead("k", None).is_err());
    drop(old);
    assert_eq!(flights.get("k").unwrap().id, new.id());
    flights.detach("k", &flights.get("k").unwrap());
    assert!(flights.get("k").is_none());
    drop(new);
    assert_eq!(flights.count.load(Ordering::SeqCst), 0);
}
