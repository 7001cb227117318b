namespace Cortex.Gateway.Routing;

/// <summary>An API whose requests a handler answers.</summary>
internal sealed class HandledApi(HandlerRoute route) : RoutedApi(route.Name)
{
    private volatile HandlerRoute _route = route;

    /// <summary>As the last snapshot has it.</summary>
    public HandlerRoute Route
    {
        get => _route;
        set => _route = value;
    }

    public override string Kind => _route.Kind;
}
