//! The colours of components, distinguishable with normal and with colour-blind vision.

/// The background that the colours are chosen for, and the colour of text on them, as sRGB bytes.
pub const BACKGROUND: [u8; 3] = [0x0e, 0x10, 0x14];

/// The colour of each component as sRGB bytes: orange, blue, purple, green, yellow, pink, periwinkle and grey, then a darker
/// or lighter shade of each in the same order.
///
/// Found by a search over hues near these names, with an OKLab lightness between 0.66 and 0.88 (the second eight: 0.58 to
/// 0.93), so that no colour stands out much more than another. The search maximised the smallest distance between two
/// colours, with normal vision and with each kind of cone missing, as simulated by Machado, Oliveira and Fernandes (2009).
/// Pairs of the first four, the most used, were weighted 1.35 times. Without green cones blue and purple look alike, without
/// blue cones blue and green do: these three differ in lightness.
///
/// | smallest distance in OKLab | normal | protanopia | deuteranopia | tritanopia |
/// |---|---|---|---|---|
/// | first four, earlier choice by eye | 0.194 | 0.147 | 0.073 | 0.042 |
/// | first four, here | 0.199 | 0.189 | 0.134 | 0.134 |
/// | first eight, earlier choice by eye | 0.069 | 0.057 | 0.034 | 0.042 |
/// | first eight, here | 0.106 | 0.101 | 0.101 | 0.100 |
/// | all sixteen, here | 0.075 | 0.062 | 0.054 | 0.053 |
///
/// The contrast with [`BACKGROUND`] is at least 5.5 : 1 for the first eight, and 4.8 : 1 for all.
pub const COLORS: [[u8; 3]; 16] = [
    [0xec, 0x96, 0x3f],
    [0x87, 0xb8, 0xf7],
    [0xb1, 0x67, 0xf7],
    [0x4f, 0xf9, 0xba],
    [0xf0, 0xd8, 0x27],
    [0xec, 0x57, 0x72],
    [0x81, 0x95, 0xc2],
    [0xb0, 0xb0, 0xb0],
    [0xb7, 0x77, 0x1c],
    [0x2f, 0x86, 0xc7],
    [0xbf, 0x8a, 0xff],
    [0x2f, 0xe3, 0x85],
    [0xd1, 0xc2, 0x26],
    [0xfd, 0x78, 0x8a],
    [0xba, 0xca, 0xf2],
    [0xe5, 0xe9, 0xe6],
];

#[cfg(test)]
mod tests {
    use super::*;

    type Matrix = [[f64; 3]; 3];

    /// Simulations of colour vision in linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
    const VISIONS: [(&str, Matrix); 4] = [
        ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        ),
        (
            "deuteranopia",
            [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        ),
        (
            "tritanopia",
            [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
        ),
    ];
    /// From linear sRGB to cone responses, and from their cube roots to lightness and two axes of hue: Ottosson (2020).
    const OKLAB: [Matrix; 2] = [
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ],
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ],
    ];
    /// Weights of red, green and blue in luminance: Rec. 709.
    const LUMINANCE: [f64; 3] = [0.2126, 0.7152, 0.0722];

    fn times(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| dot(row, vector))
    }

    fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
        a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    }

    /// Converts sRGB bytes to linear RGB: IEC 61966-2-1.
    fn linear(color: [u8; 3]) -> [f64; 3] {
        color.map(|byte| {
            let encoded = f64::from(byte) / 255.0;
            if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn oklab(linear: [f64; 3]) -> [f64; 3] {
        times(&OKLAB[1], times(&OKLAB[0], linear).map(f64::cbrt))
    }

    /// A colour in OKLab, as seen with a kind of vision.
    fn seen(color: [u8; 3], vision: &Matrix) -> [f64; 3] {
        oklab(times(vision, linear(color)).map(|part| part.clamp(0.0, 1.0)))
    }

    fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
        let difference = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        dot(difference, difference).sqrt()
    }

    /// The smallest distance between two of `colors` for each kind of vision.
    fn smallest_distances(colors: &[[u8; 3]]) -> [f64; 4] {
        VISIONS.map(|(_, vision)| {
            let seen: Vec<_> = colors.iter().map(|&color| seen(color, &vision)).collect();
            let pairs = seen.iter().enumerate().flat_map(|(i, &a)| seen[..i].iter().map(move |&b| distance(a, b)));
            pairs.fold(f64::INFINITY, f64::min)
        })
    }

    /// Contrast as the Web Content Accessibility Guidelines 2.1 define it.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let [a, b] = [a, b].map(|color| dot(LUMINANCE, linear(color)) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn components_are_distinguishable_with_every_kind_of_vision() {
        // The limits for colours that are changed by hand. About 0.02 is just visible side by side.
        for (len, floor) in [(4, 0.13), (8, 0.095), (16, 0.05)] {
            let distances = smallest_distances(&COLORS[..len]);
            for ((vision, _), distance) in VISIONS.iter().zip(distances) {
                assert!(distance > floor, "{distance:.3} among the first {len}, {vision}");
            }
        }
    }

    #[test]
    fn the_figures_in_the_table_are_correct() {
        let by_eye = [
            [0xf2, 0x8c, 0x28],
            [0x56, 0xbe, 0xff],
            [0xbe, 0x78, 0xff],
            [0x50, 0xdc, 0x96],
            [0xe8, 0xd4, 0x4d],
            [0xff, 0x6f, 0x91],
            [0x7f, 0xa6, 0xff],
            [0xa7, 0xb0, 0xbe],
        ];
        for (colors, row) in [
            (&by_eye[..4], [0.194, 0.147, 0.073, 0.042]),
            (&COLORS[..4], [0.199, 0.189, 0.134, 0.134]),
            (&by_eye[..], [0.069, 0.057, 0.034, 0.042]),
            (&COLORS[..8], [0.106, 0.101, 0.101, 0.100]),
            (&COLORS[..], [0.075, 0.062, 0.054, 0.053]),
        ] {
            for (distance, written) in smallest_distances(colors).into_iter().zip(row) {
                // The table has three decimal places.
                assert!((distance - written).abs() <= 0.0005, "{distance} is not {written}");
            }
        }
    }

    #[test]
    fn colors_stand_out_from_the_background_and_carry_text() {
        for color in COLORS {
            // The guidelines' limit for text, at level AA.
            assert!(contrast(color, BACKGROUND) >= 4.5, "{color:x?}");
        }
    }

    #[test]
    fn no_color_stands_out_by_its_lightness() {
        let normal = VISIONS[0].1;
        for (colors, range) in [(&COLORS[..8], 0.655..0.885), (&COLORS[8..], 0.575..0.935)] {
            for &color in colors {
                assert!(range.contains(&seen(color, &normal)[0]), "{color:x?}");
            }
        }
    }

    #[test]
    fn white_has_full_lightness_and_no_hue() {
        let [lightness, green_red, blue_yellow] = oklab(linear([255; 3]));
        // The matrices have ten digits, the paper's white point seven.
        assert!((lightness - 1.0).abs() < 1e-6 && green_red.abs() < 1e-6 && blue_yellow.abs() < 1e-6);
    }
}
