namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>The pieces of a SentencePiece model with the added tokens around them, as transformers' slow tokenizer numbers them.</summary>
internal sealed class SpecialVocabulary
{
    private readonly Dictionary<string, AddedToken> _added = [];
    private readonly Dictionary<string, int> _controls = [];
    private readonly Dictionary<int, string> _texts = [];
    private readonly Dictionary<string, string> _roles;
    private readonly HashSet<int> _special = [];
    private readonly SentencePieceModel _model;

    public SpecialVocabulary(SentencePieceModel model, TokenizerSettings settings)
    {
        _model = model;
        _roles = new(settings.Roles);
        var ids = new Dictionary<string, int>();
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            ids.TryAdd(model.Pieces[id].Text, id);
            if (model.Pieces[id].Kind is PieceKind.Control or PieceKind.Unknown)
            {
                _controls.TryAdd(model.Pieces[id].Text, id);
            }
        }

        Size = model.Pieces.Count;
        foreach (var token in settings.AddedTokens.Where(t => t.Id >= 0))
        {
            Add(token);
        }

        // Tokens with a role that no file numbers are those of the model, or come after all others.
        foreach (var text in settings.Roles.Values.Concat(settings.Additional))
        {
            if (!_added.ContainsKey(text))
            {
                Add(new AddedToken(ids.GetValueOrDefault(text, Size), text, Special: true));
            }

            _special.Add(_added[text].Id);
        }
    }

    /// <summary>Ids are 0 … this − 1.</summary>
    public int Size { get; private set; }

    /// <summary>All tokens that are cut out of a text.</summary>
    public IEnumerable<AddedToken> Added => _added.Values;

    /// <summary>Id of an added token, or of a sign of the model.</summary>
    public int? Find(string text) =>
        _added.TryGetValue(text, out var token) ? token.Id : _controls.TryGetValue(text, out var id) ? id : null;

    /// <summary>Id of the token with a role ("bos_token"), or null.</summary>
    public int? FindRole(string role) => _roles.TryGetValue(role, out var text) ? _added[text].Id : null;

    /// <summary>True for added tokens, special or not.</summary>
    public bool IsAdded(int id) => _texts.ContainsKey(id);

    /// <summary>True for tokens with a role and additional special tokens.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>The text of an id, or null where there is none.</summary>
    public string? TextOf(int id) => _texts.TryGetValue(id, out var text) ? text
        : (uint)id < (uint)_model.Pieces.Count ? _model.Pieces[id].Text : null;

    private void Add(AddedToken token)
    {
        _added[token.Text] = token;
        _texts[token.Id] = token.Text;
        Size = Math.Max(Size, token.Id + 1);
    }
}
