//! Colours, and whether what is shown in them can be read.
//!
//! Source: WCAG 2.2, definitions of "relative luminance" and "contrast ratio", criteria 1.4.3 and 1.4.11.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::TextError;

/// A colour: `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Color(String);

/// What pages and mails stand on by day.
pub const WHITE: &str = "#ffffff";
/// What pages stand on by night.
pub const DARK: &str = "#0b0d12";
/// The darkest text.
pub const BLACK: &str = "#000000";

/// How far two colours are apart: from 1 to 21, in hundredths rounded down, so that no ratio is shown as one that it does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u64);

impl Ratio {
    /// What text asks of its ground (criterion 1.4.3, level AA).
    pub const TEXT: Ratio = Ratio(450);
    /// What a button or a line asks of the surface that it stands on (criterion 1.4.11, level AA).
    pub const SHAPE: Ratio = Ratio(300);

    /// In hundredths.
    pub fn hundredths(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Color {
    /// Reads a colour; it is kept in lower case.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        digits
            .map(|digits| Self(format!("#{}", digits.to_ascii_lowercase())))
            .ok_or(TextError::Shape("must be a colour such as \"#1a2b3c\""))
    }

    /// `#rrggbb`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Black or white, whichever is read better on it. One of the two always reaches [`Ratio::TEXT`]: where they meet, both are at 4.58.
    pub fn text_on_it(&self) -> &'static str {
        if self.contrast(BLACK) > self.contrast(WHITE) { BLACK } else { WHITE }
    }

    /// How far it is apart from another colour, `#rrggbb`.
    pub fn contrast(&self, other: &str) -> Ratio {
        let (one, other) = (luminance(&self.0) + FLARE, luminance(other) + FLARE);
        Ratio(one.max(other) * 100 / one.min(other))
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The light that a screen gives off even where it is black: 0.05 of white.
const FLARE: u64 = 500_000_000_000_000;

/// The relative luminance of `#rrggbb`, where white is 10^16: the parts of its three lights add up to 10,000.
fn luminance(color: &str) -> u64 {
    let part = |at: usize| {
        let value = color.get(at..at + 2).and_then(|hex| usize::from_str_radix(hex, 16).ok()).unwrap_or(0);
        LINEAR.get(value).copied().unwrap_or(0)
    };
    2126 * part(1) + 7152 * part(3) + 722 * part(5)
}

/// The light of each value of a part, where 255 is 10^12: `v / 12.92` up to 0.04045, above it `((v + 0.055) / 1.055) ^ 2.4`.
const LINEAR: [u64; 256] = [
    0,
    303_526_984,
    607_053_967,
    910_580_951,
    1_214_107_934,
    1_517_634_918,
    1_821_161_901,
    2_124_688_885,
    2_428_215_868,
    2_731_742_852,
    3_035_269_835,
    3_346_535_764,
    3_676_507_324,
    4_024_717_018,
    4_391_442_037,
    4_776_953_481,
    5_181_516_702,
    5_605_391_624,
    6_048_833_023,
    6_512_090_793,
    6_995_410_187,
    7_499_032_043,
    8_023_192_985,
    8_568_125_618,
    9_134_058_702,
    9_721_217_320,
    10_329_823_030,
    10_960_094_006,
    11_612_245_180,
    12_286_488_357,
    12_983_032_342,
    13_702_083_047,
    14_443_843_596,
    15_208_514_423,
    15_996_293_366,
    16_807_375_753,
    17_641_954_488,
    18_500_220_128,
    19_382_360_957,
    20_288_563_057,
    21_219_010_376,
    22_173_884_793,
    23_153_366_178,
    24_157_632_449,
    25_186_859_627,
    26_241_221_895,
    27_320_891_639,
    28_426_039_504,
    29_556_834_438,
    30_713_443_733,
    31_896_033_073,
    33_104_766_571,
    34_339_806_809,
    35_601_314_875,
    36_889_450_401,
    38_204_371_595,
    39_546_235_277,
    40_915_196_907,
    42_311_410_621,
    43_735_029_257,
    45_186_204_386,
    46_665_086_337,
    48_171_824_227,
    49_706_565_984,
    51_269_458_374,
    52_860_647_023,
    54_480_276_442,
    56_128_490_050,
    57_805_430_191,
    59_511_238_163,
    61_246_054_232,
    63_010_017_653,
    64_803_266_693,
    66_625_938_644,
    68_478_169_844,
    70_360_095_697,
    72_271_850_682,
    74_213_568_380,
    76_185_381_481,
    78_187_421_805,
    80_219_820_314,
    82_282_707_130,
    84_376_211_544,
    86_500_462_037,
    88_655_586_286,
    90_841_711_183,
    93_058_962_847,
    95_307_466_631,
    97_587_347_142,
    99_898_728_247,
    102_241_733_088,
    104_616_484_091,
    107_023_102_978,
    109_461_710_778,
    111_932_427_837,
    114_435_373_827,
    116_970_667_759,
    119_538_427_988,
    122_138_772_230,
    124_771_817_561,
    127_437_680_436,
    130_136_476_690,
    132_868_321_554,
    135_633_329_655,
    138_431_615_032,
    141_263_291_140,
    144_128_470_858,
    147_027_266_498,
    149_959_789_811,
    152_926_151_996,
    155_926_463_708,
    158_960_835_061,
    162_029_375_639,
    165_132_194_502,
    168_269_400_190,
    171_441_100_733,
    174_647_403_656,
    177_888_415_984,
    181_164_244_250,
    184_474_994_500,
    187_820_772_301,
    191_201_682_741,
    194_617_830_442,
    198_069_319_560,
    201_556_253_794,
    205_078_736_390,
    208_636_870_145,
    212_230_757_414,
    215_860_500_114,
    219_526_199_729,
    223_227_957_317,
    226_965_873_510,
    230_740_048_524,
    234_550_582_161,
    238_397_573_812,
    242_281_122_466,
    246_201_326_708,
    250_158_284_730,
    254_152_094_331,
    258_182_852_922,
    262_250_657_530,
    266_355_604_803,
    270_497_791_013,
    274_677_312_060,
    278_894_263_477,
    283_148_740_430,
    287_440_837_727,
    291_770_649_818,
    296_138_270_798,
    300_543_794_416,
    304_987_314_070,
    309_468_922_818,
    313_988_713_376,
    318_546_778_125,
    323_143_209_113,
    327_778_098_057,
    332_451_536_346,
    337_163_615_048,
    341_914_424_909,
    346_704_056_355,
    351_532_599_500,
    356_400_144_146,
    361_306_779_784,
    366_252_595_599,
    371_237_680_474,
    376_262_122_991,
    381_326_011_433,
    386_429_433_787,
    391_572_477_750,
    396_755_230_726,
    401_977_779_832,
    407_240_211_902,
    412_542_613_484,
    417_885_070_848,
    423_267_669_986,
    428_690_496_614,
    434_153_636_175,
    439_657_173_841,
    445_201_194_516,
    450_785_782_838,
    456_411_023_180,
    462_076_999_654,
    467_783_796_112,
    473_531_496_148,
    479_320_183_101,
    485_149_940_056,
    491_020_849_848,
    496_932_995_061,
    502_886_458_033,
    508_881_320_855,
    514_917_665_377,
    520_995_573_204,
    527_115_125_706,
    533_276_404_011,
    539_479_489_012,
    545_724_461_370,
    552_011_401_512,
    558_340_389_634,
    564_711_505_705,
    571_124_829_465,
    577_580_440_430,
    584_078_417_891,
    590_618_840_919,
    597_201_788_364,
    603_827_338_855,
    610_495_570_808,
    617_206_562_420,
    623_960_391_675,
    630_757_136_346,
    637_596_873_994,
    644_479_681_971,
    651_405_637_420,
    658_374_817_279,
    665_387_298_282,
    672_443_156_958,
    679_542_469_633,
    686_685_312_435,
    693_871_761_292,
    701_101_891_933,
    708_375_779_892,
    715_693_500_506,
    723_055_128_922,
    730_460_740_090,
    737_910_408_773,
    745_404_209_540,
    752_942_216_776,
    760_524_504_675,
    768_151_147_248,
    775_822_218_317,
    783_537_791_526,
    791_297_940_333,
    799_102_738_014,
    806_952_257_669,
    814_846_572_216,
    822_785_754_396,
    830_769_876_775,
    838_799_011_741,
    846_873_231_510,
    854_992_608_124,
    863_157_213_454,
    871_367_119_199,
    879_622_396_888,
    887_923_117_882,
    896_269_353_374,
    904_661_174_391,
    913_098_651_793,
    921_581_856_277,
    930_110_858_375,
    938_685_728_458,
    947_306_536_733,
    955_973_353_249,
    964_686_247_894,
    973_445_290_398,
    982_250_550_333,
    991_102_097_114,
    1_000_000_000_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).expect("a colour")
    }

    #[test]
    fn contrast_is_that_of_published_pairs() {
        // Pairs that WCAG's techniques and the common checkers name, rounded down.
        for (one, other, ratio) in [
            ("#000000", WHITE, "21.00"),
            ("#ffffff", WHITE, "1.00"),
            ("#767676", WHITE, "4.54"),
            ("#777777", WHITE, "4.47"),
            ("#949494", WHITE, "3.03"),
            ("#595959", WHITE, "7.00"),
            ("#ff0000", WHITE, "3.99"),
            ("#ff0000", BLACK, "5.25"),
            ("#008000", WHITE, "5.13"),
            ("#0000ff", WHITE, "8.59"),
            ("#0000ff", BLACK, "2.44"),
            ("#ffff00", WHITE, "1.07"),
        ] {
            assert_eq!(color(one).contrast(other).to_string(), ratio, "{one} on {other}");
            assert_eq!(color(other).contrast(one), color(one).contrast(other), "either way round");
        }
        assert!(color("#767676").contrast(WHITE) >= Ratio::TEXT && color("#777777").contrast(WHITE) < Ratio::TEXT);
    }

    #[test]
    fn on_every_colour_black_or_white_can_be_read() {
        for grey in 0..=255_u32 {
            for tint in [0x01_00_00, 0x00_01_00, 0x00_00_01, 0x01_01_01, 0x01_00_01] {
                let color = color(&format!("#{:06x}", (grey * tint) & 0xff_ff_ff));
                assert!(color.contrast(color.text_on_it()) >= Ratio::TEXT, "{color:?}");
            }
        }
    }

    #[test]
    fn a_colour_is_six_digits_and_knows_what_is_read_on_it() {
        for (color, text) in
            [("#000000", "#ffffff"), ("#FFFFFF", "#000000"), ("#ffff00", "#000000"), ("#0000ff", "#ffffff"), ("#1a2b3c", "#ffffff")]
        {
            assert_eq!(Color::parse(color).map(|color| color.text_on_it()), Ok(text), "{color}");
        }
        for bad in ["", "red", "#fff", "#12345", "#1234567", "#12345g", "#12;45:", "123456#", "#１２３４５６", "#00000\"", "url(#a)"]
        {
            assert!(Color::parse(bad).is_err(), "{bad}");
        }
    }
}
