//! H of one frame in the loops that come to mind first: what the kernels are measured against.

/// `h` ← h · Wᵀ(v / Wh), `updates` times; each template of `w` sums to one.
pub fn plain_updates(v: &[f32], w: &[&[f32]], updates: usize, h: &mut [f32]) {
    let mut ratio = vec![0.0; v.len()];
    for _ in 0..updates {
        for bin in 0..v.len() {
            let mut estimate = 1e-12;
            for template in 0..h.len() {
                estimate += w[template][bin] * h[template];
            }
            ratio[bin] = v[bin] / estimate;
        }
        for template in 0..h.len() {
            let mut sum = 0.0;
            for bin in 0..v.len() {
                sum += w[template][bin] * ratio[bin];
            }
            h[template] *= sum;
        }
    }
}
