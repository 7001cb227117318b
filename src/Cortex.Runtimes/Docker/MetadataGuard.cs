using System.Buffers.Binary;
using System.Net;

namespace Cortex.Runtimes.Docker;

/// <summary>
/// The program that shuts a pod's network off from the addresses at which clouds give a machine's credentials to whoever asks. The pod's network
/// container runs it: it asks the kernel for a few routing rules, in one message, and sleeps for ever. The user's containers have
/// no right to change them.
/// </summary>
internal static class MetadataGuard
{
    /// <summary>How it ends when the kernel refuses the rules: then the pod must not run.</summary>
    public const int RefusedExitCode = 100;

    /// <summary>What can't be reached: every link-local address (AWS, Azure, Google and most others), Alibaba's and Azure's own.</summary>
    public static IReadOnlyList<IPNetwork> Networks { get; } =
        [new(IPAddress.Parse("169.254.0.0"), 16), new(IPAddress.Parse("100.100.100.200"), 32), new(IPAddress.Parse("168.63.129.16"), 32)];

    // Numbers of linux/rtnetlink.h and linux/fib_rules.h.
    private const ushort NewRule = 32;
    private const ushort Request = 0x1;
    private const ushort Acknowledge = 0x4;
    private const ushort Create = 0x400;
    private const byte InternetV4 = 2;
    private const byte MainTable = 254;
    private const byte LookUp = 1;
    private const byte Prohibit = 8;
    private const ushort Destination = 1;
    private const ushort Priority = 6;
    private const ushort SuppressPrefixLength = 14;
    private const ushort DestinationPorts = 24;
    private const ushort Dns = 53;

    /// <summary>The machine's code with what it sends.</summary>
    /// <param name="arch">As Go names it.</param>
    public static byte[] Code(string arch)
    {
        var rules = Rules();
        return arch switch
        {
            "amd64" =>
            [
                .. Convert.FromHexString("BF10000000BE0300000031D2B8290000000F05"), // socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
                .. Convert.FromHexString("89C7488D3552000000BA"),                  // mov edi, eax; lea rsi, rules; mov edx, length
                .. BitConverter.GetBytes(rules.Length),
                .. Convert.FromHexString("4531D24531C04531C9B82C0000000F05"),      // sendto(edi, rsi, edx, 0, 0, 0)
                .. Convert.FromHexString("4883EC404889E6BA4000000041BA40000000B82D0000000F05"), // recvfrom(edi, stack, 64, MSG_DONTWAIT, 0, 0): the answer is there
                .. Convert.FromHexString("83F8147C10837C2410007509"),              // shorter than an answer, or its error is not 0: refused
                .. Convert.FromHexString("B8220000000F05EBF7"),                    // sleep: pause(); jmp sleep
                .. Convert.FromHexString("BF64000000B83C0000000F050F1F00"),        // refused: exit(100)
                .. rules,
            ],
            "arm64" =>
            [
                .. ElfProgram.Arm(0xD2800200, 0xD2800061, 0xD2800002, 0xD28018C8, 0xD4000001),   // socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
                .. ElfProgram.Arm(0xAA0003F3, 0x100003C1, 0xD2800002 | ((uint)rules.Length << 5)), // mov x19, x0; adr x1, rules; mov x2, length
                .. ElfProgram.Arm(0xD2800003, 0xD2800004, 0xD2800005, 0xD28019C8, 0xD4000001),   // sendto(x0, x1, x2, 0, 0, 0)
                .. ElfProgram.Arm(0xAA1303E0, 0xD10103FF, 0x910003E1, 0xD2800802, 0xD2800803, 0xD2800004, 0xD2800005, 0xD28019E8, 0xD4000001), // recvfrom(x19, stack, 64, MSG_DONTWAIT, 0, 0)
                .. ElfProgram.Arm(0xF100501F, 0x5400014B, 0xB94013E0, 0x35000100),               // shorter than an answer, or its error is not 0: refused
                .. ElfProgram.Arm(0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800928, 0xD4000001, 0x17FFFFFA), // sleep: ppoll(0, 0, 0, 0); b sleep
                .. ElfProgram.Arm(0xD2800C80, 0xD2800BA8, 0xD4000001),                           // refused: exit(100)
                .. rules,
            ],
            _ => throw ElfProgram.Unsupported(arch),
        };
    }

    /// <summary>The rules in the order in which they are looked at. Only the last asks for an answer, but one that is refused is answered before it.</summary>
    private static byte[] Rules() =>
    [
        // The pod's own network first, wherever it is: all that is not the default route.
        .. Rule(1, LookUp, null, (SuppressPrefixLength, new byte[4])),

        // Some clouds answer DNS at the same address.
        .. Rule(2, LookUp, null, (DestinationPorts, [.. BitConverter.GetBytes(Dns), .. BitConverter.GetBytes(Dns)])),
        .. Networks.SelectMany((network, i) => Rule(3 + i, Prohibit, network)),
    ];

    private static byte[] Rule(int priority, byte action, IPNetwork? to, params (ushort Type, byte[] Value)[] attributes)
    {
        List<byte> message =
        [
            InternetV4, (byte)(to?.PrefixLength ?? 0), 0, 0, action == LookUp ? MainTable : (byte)0, 0, 0, action, 0, 0, 0, 0,
            .. Attribute(Priority, BitConverter.GetBytes(priority)),
        ];
        if (to is { } network)
        {
            message.AddRange(Attribute(Destination, network.BaseAddress.GetAddressBytes()));
        }

        foreach (var (type, value) in attributes)
        {
            message.AddRange(Attribute(type, value));
        }

        var last = to is { } its && its.Equals(Networks[^1]);
        var header = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(header, header.Length + message.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(4), NewRule);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), (ushort)(Request | Create | (last ? Acknowledge : 0)));
        return [.. header, .. message];
    }

    // Every value has four bytes, so nothing is to be filled up.
    private static byte[] Attribute(ushort type, byte[] value) => [.. BitConverter.GetBytes((ushort)(4 + value.Length)), .. BitConverter.GetBytes(type), .. value];
}
