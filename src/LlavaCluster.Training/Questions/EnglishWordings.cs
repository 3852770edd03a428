namespace LlavaCluster.Training.Questions;

/// <summary>How people ask in English; both spellings of colour and centre.</summary>
internal static class EnglishWordings
{
    /// <summary>The wordings of each topic.</summary>
    public static IReadOnlyDictionary<Topic, string[]> Table { get; } = new Dictionary<Topic, string[]>
    {
        [Topic.ShapeOfOnly] =
        [
            "What shape is{inside}?", "What shape is there{in}?", "What shape do you see{in}?", "Which shape is there{in}?",
            "What is the shape{in}?", "What shape is this?", "Which shape is this?", "What shape is it?",
            "What shape is shown{in}?", "Name the shape{in}.", "What kind of shape is this?", "What is the shape called?",
            "Which shape do you see{in}?", "What shape is drawn{in}?",
        ],
        [Topic.ShapeOfColour] =
        [
            "What shape is {ac}{in}?", "What shape is {ac}?", "Which shape is {ac}{in}?", "Which object is {ac}{in}?",
            "What shape is the {ac} object{in}?", "What shape is the {ac} thing{in}?", "What {ac} shape is there{in}?",
            "What shape is the {a}{in}?", "What is the {a}{in}?", "Which shape is the {a}{in}?",
            "What shape does the {a} have{in}?", "What kind of shape is the {a}{in}?", "Name the {a}{in}.",
        ],
        [Topic.ShapeAtPlace] =
        [
            "What shape is {at}?", "Which shape is {at}?", "What shape do you see {at}?", "Name the shape {at}.",
        ],
        [Topic.ShapeOfBiggest] =
        [
            "What is the biggest shape{in}?", "What is the largest shape{in}?", "Which shape is the biggest{in}?",
            "Which shape is the largest{in}?", "What shape is the biggest{in}?",
        ],
        [Topic.ColourOfOnly] =
        [
            "What colour is this?", "What color is this?", "What colour is it?", "What color is it?",
            "What colour is the shape{in}?", "What color is the shape{in}?", "Which colour is the object{in}?",
            "Which color is the object{in}?", "What is the colour of the shape{in}?", "What is the color of the shape{in}?",
            "What color does the shape have?", "What colour does the shape have?", "Which colour is it?", "Which color is it?",
            "What colour is the object{in}?", "What color is the object{in}?",
        ],
        [Topic.ColourOfShape] =
        [
            "What colour is the {a}{in}?", "What color is the {a}{in}?", "Which colour is the {a}{in}?",
            "Which color is the {a}{in}?", "What is the colour of the {a}{in}?", "What is the color of the {a}{in}?",
            "Which colour does the {a} have{in}?", "Which color does the {a} have{in}?", "What colour does the {a} have{in}?",
            "What color does the {a} have{in}?", "Name the colour of the {a}{in}.", "Name the color of the {a}{in}.",
            "Tell me the colour of the {a}{in}.", "Tell me the color of the {a}{in}.", "The {a}{in} is what color?",
            "The {a}{in} is what colour?",
        ],
        [Topic.ColourAtPlace] =
        [
            "What colour is the shape {at}?", "What color is the shape {at}?", "Which colour is the shape {at}?",
            "Which color is the object {at}?", "What is the colour of the shape {at}?", "What is the color of the shape {at}?",
        ],
        [Topic.ColourOfBiggest] =
        [
            "What colour is the biggest shape{in}?", "What color is the biggest shape{in}?",
            "What colour is the largest shape{in}?", "What color is the largest shape{in}?",
            "Which colour is the biggest object{in}?", "Which color is the largest object{in}?",
        ],
        [Topic.CountAll] =
        [
            "How many shapes are there{in}?", "How many shapes are{inside}?", "How many shapes do you see{in}?",
            "How many objects are there{in}?", "How many objects do you see{in}?", "How many objects are shown{in}?",
            "Count the shapes{in}.", "Count the objects{in}.", "How many shapes can you see{in}?",
            "What is the number of shapes{in}?", "How many figures are there{in}?",
        ],
        [Topic.CountSome] =
        [
            "How many {as} are there{in}?", "How many {as} do you see{in}?", "How many {as} can you see{in}?",
            "Count the {as}{in}.", "How many {as} are shown{in}?", "What is the number of {as}{in}?", "How many {as}{in}?",
            "How many shapes are {ac}{in}?", "How many {ac} objects are there{in}?", "How many objects are {ac}{in}?",
        ],
        [Topic.ThereIs] =
        [
            "Is there {an}{in}?", "Do you see {an}{in}?", "Can you see {an}{in}?", "Does this picture show {an}?",
            "Does the image contain {an}?", "Is {an} shown{in}?", "Is there any {a}{in}?", "Is {an} in the picture?",
            "Are there any {as}{in}?",
        ],
        [Topic.ThereIsText] =
        [
            "Is there any text{in}?", "Is there text{in}?", "Is there a word{in}?", "Do you see any text{in}?",
            "Does the picture contain text?", "Is anything written{in}?",
        ],
        [Topic.IsColour] =
        [
            "Is the {a} {bc}{in}?", "Is the {a}{in} {bc}?", "Is the colour of the {a} {bc}?", "Is the color of the {a} {bc}?",
        ],
        [Topic.IsShape] = ["Is the {a} {bn}{in}?", "Is the {a}{in} {bn}?"],
        [Topic.PlaceOfOnly] =
        [
            "Where is it?", "Where is the shape{in}?", "Where is the object{in}?", "Where do you see the shape{in}?",
            "In which part of the picture is the shape?",
        ],
        [Topic.PlaceOf] =
        [
            "Where is the {a}{in}?", "Where is the {a} located{in}?", "Where do you see the {a}{in}?",
            "In which part of the picture is the {a}?", "Where can I find the {a}{in}?", "What is the position of the {a}{in}?",
            "In what part of the image is the {a}?", "Where in the picture is the {a}?",
        ],
        [Topic.PlaceOfText] =
        [
            "Where is the text{in}?", "Where is the word{in}?", "Where is the text located{in}?",
            "In which part of the picture is the text?",
        ],
        [Topic.IsLeftOf] =
        [
            "Is the {a} left of the {b}{in}?", "Is the {a} to the left of the {b}{in}?", "Is the {a} on the left of the {b}?",
            "Is the {a} further left than the {b}?",
        ],
        [Topic.IsRightOf] =
        [
            "Is the {a} right of the {b}{in}?", "Is the {a} to the right of the {b}{in}?",
            "Is the {a} on the right of the {b}?", "Is the {a} further right than the {b}?",
        ],
        [Topic.IsAbove] = ["Is the {a} above the {b}{in}?", "Is the {a} higher than the {b}{in}?", "Is the {a} over the {b}{in}?"],
        [Topic.IsBelow] = ["Is the {a} below the {b}{in}?", "Is the {a} lower than the {b}{in}?", "Is the {a} under the {b}{in}?"],
        [Topic.IsBigger] = ["Is the {a} bigger than the {b}{in}?", "Is the {a} larger than the {b}{in}?"],
        [Topic.IsSmaller] = ["Is the {a} smaller than the {b}{in}?", "Is the {a} smaller in size than the {b}{in}?"],
        [Topic.SideOf] =
        [
            "On which side of the {b} is the {a}{in}?", "Where is the {a} relative to the {b}?",
            "Where is the {a}, seen from the {b}?", "Where is the {a} compared to the {b}{in}?",
        ],
        [Topic.LeftOrRight] =
        [
            "Is the {a} left or right of the {b}{in}?", "Is the {a} to the left or to the right of the {b}?",
            "Is the {a} on the left or on the right of the {b}?",
        ],
        [Topic.AboveOrBelow] = ["Is the {a} above or below the {b}{in}?", "Is the {a} placed above or below the {b}?"],
        [Topic.BiggerOrSmaller] = ["Is the {a} bigger or smaller than the {b}{in}?", "Is the {a} drawn bigger or smaller than the {b}?"],
        [Topic.ReadText] =
        [
            "What does the text say{in}?", "What does the text{in} say?", "Read the text{in}.", "What is written{in}?",
            "What text is{inside}?", "What is the text{in}?", "Read the word{in}.", "What word is{inside}?",
            "Which word is written{in}?", "What does it say{in}?", "What text do you see{in}?", "Please read the text{in}.",
            "Which text is shown{in}?", "What is the word{in}?", "What does the word say{in}?",
            "What does the writing say{in}?", "Can you read the text{in}?", "Transcribe the text{in}.",
        ],
        [Topic.Describe] =
        [
            "Describe the picture.", "Describe the image.", "Describe this picture.", "Describe this image.",
            "What is shown in this image?", "What is shown in the picture?", "What do you see?", "What do you see{in}?",
            "What is in the picture?", "What is in this image?", "What can you see{in}?", "Please describe the picture.",
            "What does the picture show?", "What does this image show?", "Tell me what you see{in}.", "What is this?",
            "What's in the picture?", "What's in this image?", "What is there{in}?", "What is in this picture?",
            "What is shown{in}?", "Please describe the image.", "Can you describe the picture?",
            "Write a caption for the picture.",
        ],
        [Topic.DescribeInDetail] =
        [
            "Describe the picture in detail.", "Describe the image in detail.",
            "Describe everything in the picture and where it is.", "What is where{in}?",
            "Give a detailed description of the picture.", "What do you see and where?",
        ],
        [Topic.WhichPicture] =
        [
            "Which picture has {an}, the first or the second?", "Which image has {an}, the first or the second?",
            "Which picture shows {an}?", "Which image shows {an}?", "Which of the two pictures has {an}?",
            "In which picture is there {an}?", "Does the first or the second picture show {an}?",
            "Which picture contains {an}?", "Is {an} in the first or in the second picture?",
        ],
        [Topic.BothPictures] =
        [
            "Do both pictures show {an}?", "Do both images show {an}?", "Is there {an} in both pictures?",
            "Do both pictures have {an}?",
        ],
        [Topic.PictureWithMore] =
        [
            "Which picture has more shapes?", "Which picture has more shapes, the first or the second?",
            "Which image shows more objects?", "In which picture are there more shapes?",
        ],
        [Topic.ItsColour] =
        [
            "What colour is it?", "What color is it?", "Which colour is it?", "Which color is it?", "And what colour is it?",
            "And what color is it?", "What is its colour?", "What is its color?",
        ],
        [Topic.ItsShape] = ["What shape is it?", "Which shape is it?", "And what shape is it?", "What is its shape?"],
        [Topic.ItsPlace] = ["Where is it?", "And where is it?", "Where is it located?", "Where is it in the picture?"],
        [Topic.AndOther] =
        [
            "And the other one?", "What about the other one?", "And the other?", "And the other shape?",
            "How about the other one?",
        ],
        [Topic.AndThe] = ["And the {a}?", "What about the {a}?", "How about the {a}?", "And what about the {a}?"],
        [Topic.AndHowMany] = ["And how many {as}?", "And {as}?", "What about {as}?", "How about {as}?"],
        [Topic.AndIsThere] = ["And {an}?", "And is there {an}?", "What about {an}?", "How about {an}?"],
        [Topic.OfThem] =
        [
            "How many of them are {as}?", "And how many of them are {as}?", "How many of these are {as}?",
            "How many of them are {ac}?", "And how many of them are {ac}?",
        ],
        [Topic.AndOtherPicture] = ["And{inside}?", "What about {picture}?", "And what about {picture}?", "And {picture}?"],
    };
}
