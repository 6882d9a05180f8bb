//! Devices that fold alike never find each other's roots wrong, whatever happened to them; and what a
//! writer invents is believed by nobody.

use crate::harness::World;
use veilfold_core::engine::Event;

pub(super) fn check(world: &mut World) {
    let invented = world.counts.invented_roots > 0;
    let wrong = world.events.iter().find_map(|(device, event)| match event {
        Event::Healed { documents, .. } => Some(format!("roots: device {device} was mended: {documents:?}")),
        Event::Diverged { position, author, bucket, .. } if !invented || bucket.is_some() => {
            Some(format!("roots: device {device} and author {} differ at {position}", author.0))
        }
        _ => None,
    });
    if let Some(wrong) = wrong {
        world.violated(wrong);
    }
}
