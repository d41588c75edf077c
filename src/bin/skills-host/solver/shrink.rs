//! From a set that fails to a smallest part of it that still does.

use skills_daemon::failure::Failure;

/// Returns a part of `items` that fails and of which each proper part does not; `items` itself must fail.
///
/// Tries to leave out halves, quarters, and so on down to single items, later ones first.
pub(super) async fn shrink<T: Clone>(
    mut items: Vec<T>,
    fails: impl AsyncFn(&[T]) -> Result<bool, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut size = items.len().div_ceil(2);
    while size > 0 && items.len() > 1 {
        let mut end = items.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let rest = [&items[..start], &items[end..]].concat();
            if !rest.is_empty() && fails(&rest).await? {
                items = rest;
            }
            end = start;
        }
        size /= 2;
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest(count: u32, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
        let shrunk = shrink((0..count).collect(), async |part: &[u32]| Ok(fails(part)));
        futures_executor::block_on(shrunk).unwrap()
    }

    #[test]
    fn a_smallest_failing_part_is_left() {
        for (count, needed) in [
            (1, vec![0]),
            (2, vec![0, 1]),
            (7, vec![6]),
            (7, vec![0, 3, 6]),
            (100, vec![1, 50, 98, 99]),
        ] {
            let all = |part: &[u32]| needed.iter().all(|it| part.contains(it));
            assert_eq!(smallest(count, all), needed, "of {count}");
        }
    }

    #[test]
    fn of_two_failing_parts_one_is_left() {
        let any_pair = |part: &[u32]| part.iter().filter(|it| **it % 3 == 0).count() >= 2;
        assert_eq!(smallest(10, any_pair), [0, 3]);
    }
}
