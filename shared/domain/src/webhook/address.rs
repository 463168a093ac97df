//! Which addresses are of the public internet. Everything that is not plainly so is refused.
//!
//! Source: IANA's registries of special-purpose IPv4 and IPv6 addresses (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are never called: the address's first bits, and how many.
const NOT_PUBLIC_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private use
    ([100, 64, 0, 0], 10),    // carriers' address translation
    ([127, 0, 0, 0], 8),      // this machine
    ([168, 63, 129, 16], 32), // a cloud's own services, at an address that looks public
    ([169, 254, 0, 0], 16),   // link local, and clouds' metadata
    ([172, 16, 0, 0], 12),    // private use
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 88, 99, 0], 24),   // 6to4 relays, of old
    ([192, 168, 0, 0], 16),   // private use
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// Parts of `2000::/3` that are never called. Nothing outside of it is public unicast.
const NOT_PUBLIC_V6: &[([u16; 3], u32)] = &[
    ([0x2001, 0, 0], 23),     // protocol assignments: Teredo, ORCHID, benchmarks
    ([0x2001, 0xdb8, 0], 32), // documentation
    ([0x2002, 0, 0], 16),     // 6to4: an IPv4 address inside
    ([0x3fff, 0, 0], 20),     // documentation
];

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(network, bits): &([u8; 4], u32)| same_bits(address.to_bits().into(), u32::from_be_bytes(*network).into(), 32, *bits);
    !NOT_PUBLIC_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let network = |[a, b, c]: [u16; 3]| Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_bits();
    let unicast = same_bits(address.to_bits(), network([0x2000, 0, 0]), 128, 3);
    unicast && !NOT_PUBLIC_V6.iter().any(|(first, bits)| same_bits(address.to_bits(), network(*first), 128, *bits))
}

/// Whether the first `bits` of two numbers of `width` bits are the same.
fn same_bits(left: u128, right: u128, width: u32, bits: u32) -> bool {
    (left ^ right) >> (width - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().expect("an address"))
    }

    #[test]
    fn every_class_of_address_that_is_not_public_is_refused() {
        for (class, first, last) in [
            ("this network", "0.0.0.0", "0.255.255.255"),
            ("private 10", "10.0.0.0", "10.255.255.255"),
            ("carriers", "100.64.0.0", "100.127.255.255"),
            ("loopback", "127.0.0.0", "127.255.255.255"),
            ("a cloud's services", "168.63.129.16", "168.63.129.16"),
            ("link local", "169.254.0.0", "169.254.255.255"),
            ("metadata", "169.254.169.254", "169.254.170.2"),
            ("private 172", "172.16.0.0", "172.31.255.255"),
            ("protocol", "192.0.0.0", "192.0.0.255"),
            ("documentation 1", "192.0.2.0", "192.0.2.255"),
            ("6to4 relay", "192.88.99.0", "192.88.99.255"),
            ("private 192", "192.168.0.0", "192.168.255.255"),
            ("benchmark", "198.18.0.0", "198.19.255.255"),
            ("documentation 2", "198.51.100.0", "198.51.100.255"),
            ("documentation 3", "203.0.113.0", "203.0.113.255"),
            ("multicast", "224.0.0.0", "239.255.255.255"),
            ("reserved", "240.0.0.0", "255.255.255.255"),
            ("unspecified v6", "::", "::"),
            ("loopback v6", "::1", "::1"),
            ("compatible", "::10.0.0.1", "::8.8.8.8"),
            ("mapped private", "::ffff:10.0.0.1", "::ffff:192.168.0.1"),
            ("mapped loopback", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
            ("translated", "64:ff9b::1", "64:ff9b::ffff:ffff"),
            ("local translation", "64:ff9b:1::1", "64:ff9b:1:ffff::1"),
            ("discard", "100::", "100::ffff"),
            ("teredo", "2001::1", "2001:0:ffff::1"),
            ("orchid", "2001:10::1", "2001:2f:ffff::1"),
            ("documentation v6", "2001:db8::1", "2001:db8:ffff::1"),
            ("6to4", "2002:a00:1::1", "2002:ffff:ffff::1"),
            ("documentation v6, new", "3fff::1", "3fff:fff:ffff::1"),
            ("segments", "5f00::1", "5f00:ffff::1"),
            ("unique local", "fc00::1", "fdff:ffff::1"),
            ("metadata v6", "fd00:ec2::254", "fd20:ce::254"),
            ("link local v6", "fe80::1", "febf:ffff::1"),
            ("site local", "fec0::1", "feff:ffff::1"),
            ("multicast v6", "ff00::1", "ffff:ffff::1"),
        ] {
            assert!(!public(first), "{class}: {first}");
            assert!(!public(last), "{class}: {last}");
        }
    }

    #[test]
    fn what_lies_beside_them_is_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
        ] {
            assert!(public(address), "{address}");
        }
    }
}
