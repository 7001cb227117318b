namespace Cortex.Gateway.Splitting;

/// <summary>Turns weights into an order in which to choose. Smooth: a choice with weight 50 of 100 comes every other time.</summary>
internal static class WeightTable
{
    /// <summary>
    /// An order as long as the weights' sum, in which each index comes as often as its weight says. Going round in it, any run of that
    /// length is exact.
    /// </summary>
    /// <param name="weights">0 or more each.</param>
    public static int[] Build(IReadOnlyList<int> weights)
    {
        var order = new int[weights.Sum()];
        var credit = new int[weights.Count];
        for (var turn = 0; turn < order.Length; turn++)
        {
            var next = 0;
            for (var i = 0; i < credit.Length; i++)
            {
                credit[i] += weights[i];
                next = credit[i] > credit[next] ? i : next;
            }

            credit[next] -= order.Length;
            order[turn] = next;
        }

        return order;
    }
}
