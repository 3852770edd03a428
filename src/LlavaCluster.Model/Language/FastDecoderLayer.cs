using LlavaCluster.Model.KvCache;
using LlavaCluster.Model.Layers;

namespace LlavaCluster.Model.Language;

/// <summary><see cref="DecoderLayer"/> on the fast path, over the same weights, rounding where it rounds.</summary>
internal sealed unsafe class FastDecoderLayer
{
    private readonly FastWorkspace _workspace;
    private readonly byte* _inputNorm;
    private readonly byte* _postNorm;
    private readonly byte* _keys;
    private readonly byte* _values;
    private readonly IHostLinear _qkv;
    private readonly IHostLinear _output;
    private readonly IHostLinear _gateUp;
    private readonly IHostLinear _down;

    /// <summary>Takes the weights of a layer and its pages; neither is disposed here.</summary>
    public FastDecoderLayer(FastWorkspace workspace, DecoderLayer layer, PagedKvCache cache, int number)
    {
        _workspace = workspace;
        _inputNorm = HostMemory.Of(layer.InputNorm.Weight);
        _postNorm = HostMemory.Of(layer.PostNorm.Weight);
        _keys = HostMemory.Of(cache.KeyPages(number));
        _values = HostMemory.Of(cache.ValuePages(number));
        _qkv = workspace.Linear(layer.Attention.QkvProjection.Weight);
        _output = workspace.Linear(layer.Attention.OutputProjection.Weight);
        _gateUp = workspace.Linear(layer.Mlp.GateUpProjection.Weight);
        _down = workspace.Linear(layer.Mlp.DownProjection.Weight);
    }

    /// <summary>Adds the layer's two halves to the workspace's hidden rows.</summary>
    public void Forward()
    {
        var (w, tokens) = (_workspace, _workspace.Step.Tokens);
        Normalise(_inputNorm, tokens);
        _qkv.Forward(w.Normed, tokens, w.Fused);
        w.Rotary.Compute(w.Step, w.Angles, w.Fused.Memory, _keys, _values);
        w.Attention.Compute(w.Fused.Memory, _keys, _values, w.Attended.Room(tokens));
        _output.Forward(w.Attended, tokens, w.Projected);
        Add(tokens);

        Normalise(_postNorm, tokens);
        _gateUp.Forward(w.Normed, tokens, w.GateUp);
        w.Gate.Compute(w.Form, w.GateUp.Memory, tokens, w.Inner, w.Gated.Room(tokens));
        _down.Forward(w.Gated, tokens, w.Projected);
        Add(tokens);
    }

    private void Normalise(byte* weight, int tokens)
    {
        var w = _workspace;
        w.Norm.Compute(w.Form, w.Hidden.Memory, tokens, weight, w.Text.Hidden, w.Text.RmsEps, w.Normed.Room(tokens));
    }

    private void Add(int tokens)
    {
        var w = _workspace;
        w.AllReduce(w.Projected, tokens);
        w.Sum.Compute(w.Form, w.Hidden.Memory, tokens, w.Text.Hidden, w.Projected.Memory);
    }
}
