using System.Net;
using Cortex.Async.Callbacks;

namespace Cortex.Async.Tests.Callbacks;

public sealed class TargetRulesTests
{
    private static readonly TargetRules Strict = new(new CallbackOptions());

    [Theory]
    [InlineData("http://example.com/")]
    [InlineData("https://example.com:8443/a/b?c=d#e")]
    [InlineData("http://8.8.8.8/")]
    [InlineData("http://172.32.0.1/")]
    [InlineData("http://100.128.0.1/")]
    [InlineData("http://169.255.0.1/")]
    [InlineData("http://[2001:4860:4860::8888]/")]
    [InlineData("http://[64:ff9b::808:808]/")]
    [InlineData("http://m\u00fcnchen.example/")]
    [InlineData("http://localhost.example.com/")]
    public void Refusal_PublicTarget_IsNone(string url)
    {
        Assert.Null(Strict.Refusal(url, out var target));
        Assert.NotNull(target);
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://127.1/")]
    [InlineData("http://127.255.255.254:8888/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f000001/")]
    [InlineData("http://0x7f.0.0.1/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://017700000001/")]
    [InlineData("http://0/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://172.16.0.1/")]
    [InlineData("http://172.31.255.255/")]
    [InlineData("http://192.168.1.1/")]
    [InlineData("http://100.64.0.1/")]
    [InlineData("http://100.100.100.200/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://0xa9fea9fe/")]
    [InlineData("http://198.18.0.1/")]
    [InlineData("http://224.0.0.1/")]
    [InlineData("http://255.255.255.255/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[0:0:0:0:0:0:0:1]:80/")]
    [InlineData("http://[::]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[::ffff:7f00:1]/")]
    [InlineData("http://[::ffff:10.0.0.1]/")]
    [InlineData("http://[::10.0.0.1]/")]
    [InlineData("http://[64:ff9b::a9fe:a9fe]/")]
    [InlineData("http://[2002:7f00:1::]/")]
    [InlineData("http://[2002:a9fe:a9fe::1]/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://[fe80::1%25eth0]/")]
    [InlineData("http://[febf::1]/")]
    [InlineData("http://[fec0::1]/")]
    [InlineData("http://[fc00::1]/")]
    [InlineData("http://[fd00:ec2::254]/")]
    [InlineData("http://[ff02::1]/")]
    [InlineData("http://localhost/")]
    [InlineData("http://LocalHost./")]
    [InlineData("http://api.localhost:8888/")]
    [InlineData("http://127.0.0.1./")]
    public void Refusal_OwnOrPrivateTarget_SaysSo(string url)
    {
        Assert.NotNull(Strict.Refusal(url, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("example.com")]
    [InlineData("/done")]
    [InlineData("//example.com/")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://example.com/")]
    [InlineData("http://")]
    [InlineData("http:///done")]
    [InlineData("http://user@example.com/")]
    [InlineData("http://user:pass@example.com/")]
    public void Refusal_NoTargetAtAll_SaysSo(string url)
    {
        Assert.NotNull(Strict.Refusal(url, out _));
    }

    [Fact]
    public void Refusal_LongUrl_IsJudgedByItsLength()
    {
        var longest = "http://example.com/" + new string('a', 2048 - 19);

        Assert.Null(Strict.Refusal(longest, out _));
        Assert.NotNull(Strict.Refusal(longest + "a", out _));
    }

    [Theory]
    [InlineData("http://10.1.2.3/", true)]
    [InlineData("http://10.2.0.1/", false)]
    [InlineData("http://[::ffff:10.1.2.3]/", true)]
    [InlineData("http://192.168.7.7/", true)]
    [InlineData("http://192.168.7.8/", false)]
    [InlineData("http://localhost/", true)]
    [InlineData("http://LOCALHOST:81/", true)]
    [InlineData("http://127.0.0.1/", false)]
    [InlineData("http://[fd12::7]/", true)]
    [InlineData("http://[fd13::7]/", false)]
    // With a port, that port alone.
    [InlineData("http://172.16.0.1:9000/", true)]
    [InlineData("http://172.16.0.1/", false)]
    [InlineData("http://172.16.0.1:9001/", false)]
    [InlineData("https://a.localhost/", true)]
    [InlineData("http://a.localhost/", false)]
    [InlineData("http://[fc00::1]:81/", true)]
    [InlineData("http://[fc00::1]:82/", false)]
    [InlineData("http://[fe80::2]:81/", true)]
    [InlineData("http://[fe80::2]/", false)]
    [InlineData("http://[::ffff:172.16.0.1]:9000/", true)]
    [InlineData("http://[::ffff:172.16.0.1]:9001/", false)]
    public void Refusal_AllowedTargets_AreExceptions(string url, bool allowed)
    {
        var rules = new TargetRules(new CallbackOptions { AllowedTargets = ["10.1.0.0/16", "192.168.7.7", "localhost", "fd12::/16", "172.16.0.0/12:9000", "a.localhost:443", "[fc00::1]:81", "[fe80::/10]:81"] });

        Assert.Equal(allowed, rules.Refusal(url, out _) is null);
    }

    [Fact]
    public void IsAllowed_PrivateTargetsAllowed_IsEverything()
    {
        var rules = new TargetRules(new CallbackOptions { AllowPrivateTargets = true });

        Assert.True(rules.IsAllowed(IPAddress.Loopback, 80));
        Assert.Null(rules.Refusal("http://127.0.0.1/", out _));
        Assert.NotNull(rules.Refusal("ftp://127.0.0.1/", out _));
    }

    [Theory]
    [InlineData("example.com", true)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("fd00::/8", true)]
    [InlineData("10.0.0.1/8", true)]
    [InlineData("10.0.0.0/33", false)]
    [InlineData("http://example.com", false)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    public void Validate_AllowedTarget_IsCheckedWhenRead(string target, bool valid)
    {
        var errors = new CallbackOptions { AllowedTargets = [target] }.Validate();

        Assert.Equal(valid, errors.Count == 0);
    }
}
